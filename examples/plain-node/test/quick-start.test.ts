import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { answerRefusal, Governor, isPlimsollError, reservationOf } from '@plimsoll/core'
import t from 'tap'

const FILE = new URL('../src/quick-start.ts', import.meta.url)
const README = readFileSync(new URL('../../../packages/core/README.md', import.meta.url), 'utf8')

t.test('the README of the core shows this very file', async t => {
  t.ok(README.includes(readFileSync(FILE, 'utf8').trim()))
})

t.test('what the README shows of a handler and of routes runs as it stands', async t => {
  const governor = new Governor({ budget: '64MiB' })
  const inHandler = snippet('reservationOf(req)', ['req', 'reservationOf', 'promise', 'n'])
  const ofRoutes = snippet('route.policy', [
    'governor',
    'req',
    'res',
    'route',
    'isPlimsollError',
    'answerRefusal',
  ])
  const policy = { maxBody: '1MiB', cost: '8MiB' }
  const route = {
    policy,
    async handle(req: IncomingMessage, res: ServerResponse) {
      const length = (await text(req)).length
      await inHandler(req, reservationOf, Promise.resolve(), 2 ** 20)
      res.end(`${length} ${reservationOf(req).bytes}`)
    },
  }
  const server = createHttpServer((req, res) => {
    ofRoutes(governor, req, res, route, isPlimsollError, answerRefusal)
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const post = (body: string) => fetch(url, { method: 'POST', body })
  t.equal(await (await post('12345')).text(), `5 ${2 ** 20}`)
  t.match(await (await post('.'.repeat(2 ** 20 + 1))).json(), { code: 'ERR_PLIMSOLL_BODY_TOO_LARGE' })
})

t.test('it serves, refuses, and ends when it is told to', async t => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(FILE)], {
    env: { ...process.env, PORT: String(port), NODE_OPTIONS: '--conditions=plimsoll-source' },
    stdio: 'inherit',
  })
  t.teardown(() => child.kill('SIGKILL'))
  await listening(`${url}/health`)

  const post = (body: string) => fetch(url, { method: 'POST', body })
  t.same(await (await post('{"a":1}')).json(), { document: { a: 1 }, held: 64 * 1024 + 6 * 7 })
  t.equal((await post('{')).status, 400)
  t.equal((await post('1'.repeat(2 ** 24 + 1))).status, 413)
  const endless = new ReadableStream({ pull: out => out.enqueue(new Uint8Array(2 ** 20)) })
  const refused = await fetch(url, { method: 'POST', body: endless, duplex: 'half' } as RequestInit)
  t.match(await refused.json(), { code: 'ERR_PLIMSOLL_BODY_TOO_LARGE' })

  child.kill('SIGTERM')
  t.same(await once(child, 'exit'), [0, null])
})

/** The block of the README that has `words` in it, as a function. */
function snippet(words: string, parameters: string[]): (...values: unknown[]) => Promise<void> {
  const blocks = [...README.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code)
  const code = blocks.find(code => code.includes(words) && !code.includes('import '))
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor
  return AsyncFunction(...parameters, String(code)) as unknown as () => Promise<void>
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}

/** What never answers ends in the test runner's own timeout. */
async function listening(url: string): Promise<void> {
  for (;;) {
    const answered = await fetch(url, { headers: { connection: 'close' } }).catch(() => undefined)
    if (answered !== undefined) return
    await sleep(20)
  }
}
