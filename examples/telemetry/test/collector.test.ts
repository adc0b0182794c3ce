import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Collector } from '../src/collector.ts'

const exported = { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'a' }, { name: 'b' }] }] }] }

const send = (url: string, body: object = exported): Promise<Response> =>
  fetch(url, { method: 'POST', body: JSON.stringify(body) })

t.test('it answers as it is told to', async t => {
  const collector = await Collector.start()
  t.teardown(() => collector.close())
  t.equal((await send(collector.url)).status, 200)
  t.equal((await send(collector.url, {})).status, 200)
  collector.mode = 'unavailable'
  collector.retryAfter = 7
  const answer = await send(collector.url)
  t.equal(answer.status, 503)
  t.equal(answer.headers.get('retry-after'), '7')
  collector.mode = 'too many'
  t.equal((await send(collector.url)).status, 429)
  collector.mode = 'too large'
  t.equal((await send(collector.url)).status, 413)
  collector.largest = 1000
  t.equal((await send(collector.url)).status, 200)
  collector.mode = 'reset'
  await t.rejects(send(collector.url))
  t.match({ ...collector }, { spans: 4, exports: 7 })
})

t.test('what is no JSON, or not all there, it does not take', async t => {
  const collector = await Collector.start()
  t.teardown(() => collector.close())
  await t.rejects(fetch(collector.url, { method: 'POST', body: '{' }))
  t.equal(collector.spans, 0)
})

t.test('it never ends an answer that trickles', async t => {
  const collector = await Collector.start()
  t.teardown(() => collector.close())
  collector.mode = 'trickle'
  const answer = await send(collector.url)
  const reader = answer.body?.getReader()
  t.equal((await reader?.read())?.done, false)
  t.equal((await reader?.read())?.done, false)
  await reader?.cancel()
})

t.test('on the command line it does what it reads', async t => {
  const module = fileURLToPath(new URL('../src/collector-server.ts', import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, module, '--port', '0'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const next = async () => JSON.parse((await lines.next()).value)
  const { listening } = await next()
  const url = `http://127.0.0.1:${listening}/v1/traces`
  child.stdin.write('unavailable\n')
  t.same(await next(), { mode: 'unavailable', spans: 0, exports: 0 })
  t.equal((await send(url)).status, 503)
  child.stdin.write('answer\n')
  t.same(await next(), { mode: 'answer', spans: 0, exports: 1 })
  t.equal((await send(url)).status, 200)
  child.stdin.write('dance\n')
  t.same(await next(), { mode: 'answer', spans: 2, exports: 2 })
  child.kill('SIGTERM')
  t.same(await once(child, 'exit'), [0, null])
})
