import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'

// A guard against hanging, far beyond what all of it takes.
t.setTimeout(120_000)

interface Listening {
  readonly listening: number
  readonly worker: number
}

/** The lines of workers that listen, as they come. */
function start(t: Test, workers: number): { primary: ChildProcess; next: () => Promise<Listening> } {
  const server = new URL('../src/server.ts', import.meta.url)
  const primary = spawn(process.execPath, ['--import', 'tsx', server.pathname], {
    env: {
      ...process.env,
      WORKERS: String(workers),
      PORT: '0',
      NODE_OPTIONS: '--conditions=plimsoll-source',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => primary.kill('SIGKILL'))
  const lines = createInterface({ input: primary.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  return { primary, next: async () => JSON.parse((await lines.next()).value as string) as Listening }
}

t.test('each worker has its part, and a successor that of who was killed', async t => {
  const { primary, next } = start(t, 2)
  const { listening, worker } = await next()
  await next()
  const body = Buffer.from('a photo')
  const post = async () => {
    const answer = await fetch(`http://127.0.0.1:${listening}/uploads`, {
      method: 'POST',
      headers: { 'content-type': 'image/jpeg', connection: 'close' },
      body,
    })
    t.equal(answer.status, 200)
    return (await answer.json()) as { worker: number; budget: number; sha256: string }
  }
  const { budget, sha256 } = await post()
  t.equal(sha256, createHash('sha256').update(body).digest('hex'))
  process.kill(worker, 'SIGKILL')
  const { worker: successor } = await next()
  for (let times = 0; times < 4; times++) {
    const answer = await post()
    t.not(answer.worker, worker)
    t.ok(Math.abs(answer.budget / budget - 1) < 0.2, `${answer.budget} of ${successor}, as ${budget} before`)
  }

  primary.kill('SIGTERM')
  t.same(await once(primary, 'exit'), [0, null], 'all of them finish')
})
