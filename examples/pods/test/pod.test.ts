import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { listening, start } from './start.ts'

const KEY = '0123456789abcdef'.repeat(4)

t.test('a pod tells HAProxy what fits, and at SIGTERM to turn away before it ends', async t => {
  const args = ['--port', '0', '--dir', t.testdir(), '--budget', '56MiB']
  const child = start(t, 'pod.ts', args, { AGENT_PORT: '0', OBJECT_STORE_KEY: KEY })
  const { listening: port, agent } = await listening(child)
  const ask = (): Promise<string> => text(connect(agent as number, '127.0.0.1'))
  t.equal(await ask(), 'up ready 100% maxconn:2\n')
  const url = `http://127.0.0.1:${port}/objects/a`
  t.equal((await fetch(url, { method: 'PUT', body: Buffer.alloc(65536) })).status, 201)

  child.kill('SIGTERM')
  let answer = ''
  // Answers hold for 20 ms.
  while (answer !== 'up drain\n') answer = await ask()
  t.equal((await fetch(url)).status, 200, 'it goes on meanwhile')
  t.strictSame(await once(child, 'exit'), [0, null])
})

t.test('an ungoverned one has no agent, and ends as well', async t => {
  const child = start(t, 'pod.ts', ['--port', '0', '--storage', 'memory', '--ungoverned'])
  const { listening: port, agent } = await listening(child)
  t.equal(agent, undefined)
  t.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200)
  child.kill('SIGTERM')
  t.strictSame(await once(child, 'exit'), [0, null])
})
