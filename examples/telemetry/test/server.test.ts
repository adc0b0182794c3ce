import { once } from 'node:events'
import { request } from 'node:http'
import t from 'tap'
import { Collector, type Received } from '../src/collector.ts'
import { serve, until } from './serve.ts'

t.setTimeout(120_000)

/** A line of Prometheus' text format. */
async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const line = text.split('\n').find(line => line.startsWith(`${name} `))
  return Number(line?.split(' ').at(-1))
}

const upload = (url: string, bytes: number): Promise<Response> =>
  fetch(`${url}/uploads/a?token=secret`, {
    method: 'POST',
    body: Buffer.alloc(bytes),
    headers: { 'content-type': 'application/octet-stream' },
  })

t.test('spans and figures of a server arrive, and the last ones before it ends', async t => {
  const collector = await Collector.start()
  t.teardown(() => collector.close())
  const received: Received[] = []
  collector.onSpans = spans => received.push(...spans)
  const { child, url } = await serve(t, new URL(collector.url).origin, ['--budget', '16MiB'])
  const answer = await upload(url, 1000)
  t.same([answer.status, await answer.json()], [200, { bytes: 1000 }])
  t.equal(await metric(url, 'plimsoll_budget_capacity_bytes'), 16 * 2 ** 20)
  t.ok((await metric(url, 'plimsoll_request_admitted_total')) >= 1)
  t.equal(((await (await fetch(`${url}/health`)).json()) as { live: boolean }).live, true)
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  t.equal(code, 0)
  const names = received.map(({ name }) => name)
  t.ok(names.includes('POST /uploads/:name'), names.join(', '))
})

t.test('the span of a request that waited says for how long', async t => {
  const collector = await Collector.start()
  t.teardown(() => collector.close())
  const received: Received[] = []
  collector.onSpans = spans => received.push(...spans)
  const { child, url } = await serve(t, new URL(collector.url).origin, ['--budget', '1MiB'])
  // Pays all but its last byte, and so keeps it.
  const slow = request(`${url}/uploads/slow`, {
    method: 'POST',
    headers: { 'content-length': 800_000, 'content-type': 'application/octet-stream' },
  })
  slow.on('response', answer => answer.resume())
  slow.write(Buffer.alloc(799_999))
  await until(async () => (await metric(url, 'plimsoll_budget_reserved_bytes')) > 700_000)
  const waits = upload(url, 700_000)
  await until(async () => (await metric(url, 'plimsoll_request_waiting')) === 1)
  slow.end('x')
  t.equal((await waits).status, 200)
  child.kill('SIGTERM')
  await once(child, 'exit')
  const told = received.filter(({ attributes }) =>
    attributes.some(({ key }) => key === 'plimsoll.request.wait_time'),
  )
  t.same(
    told.map(({ name }) => name),
    ['POST /uploads/:name'],
    'on the span of the server, once',
  )
  const waited = told[0]?.attributes.find(({ key }) => key === 'plimsoll.request.wait_time')?.value
  t.ok((waited?.doubleValue ?? waited?.intValue ?? 0) > 0)
})

t.jobs = 3

for (const mode of ['hang', 'unavailable', 'trickle'] as const) {
  t.test(
    `a collector that does this is no affair of who asks the server: ${mode}`,
    { buffered: true },
    async t => {
      const collector = await Collector.start()
      t.teardown(() => collector.close())
      collector.mode = mode
      const { child, url } = await serve(t, new URL(collector.url).origin, ['--budget', '16MiB'])
      for (let n = 0; n < 500; n++) {
        const answer = await fetch(`${url}/health`)
        if (answer.status !== 200) t.fail(`${answer.status}`)
        await answer.arrayBuffer()
      }
      await until(() => collector.exports > 0)
      t.ok((await metric(url, 'plimsoll_span_memory_bytes')) <= 2 * 2 ** 20)
      t.ok((await metric(url, 'plimsoll_span_kept')) <= 1024)
      t.equal(await metric(url, 'plimsoll_span_sent_total'), 0)
      t.ok((await metric(url, 'plimsoll_span_dropped_total')) > 0)
      child.kill('SIGTERM')
      const [code] = await once(child, 'exit')
      t.equal(code, 0, 'and it ends in time')
    },
  )
}
