import { once } from 'node:events'
import { get, Agent as HttpAgent, type IncomingMessage } from 'node:http'
import { until } from '@plimsoll/contract'
import t from 'tap'
import { Agent, request, fetch as undiciFetch } from 'undici'
import { boundedFetch } from '../src/bounded-fetch.ts'
import { readBounded } from '../src/read-bounded.ts'
import { anyValue } from './fixtures/any-value.ts'
import { type Protocol, Upstream, writeEndlessly } from './fixtures/upstream.ts'

/** Of each kind, of which there are twelve; so many at once, again and again. */
const RESPONSES = 100
const AT_ONCE = 25
const LIMIT = 20_000
const CODE = { code: 'ERR_PLIMSOLL_RESPONSE_TOO_LARGE' }

// Tens of thousands of chunks, on a machine that has other work.
t.setTimeout(180_000)

/** What keeps the process, or would. */
function handles(): string[] {
  return process.getActiveResourcesInfo().filter(name => /TCP|TLS|Timeout|Pipe/.test(name))
}

interface Calls {
  fetch(signal?: AbortSignal): Promise<Response>
  raw(): ReturnType<typeof request>
}

const ends: Record<string, (calls: Calls) => Promise<unknown>> = {
  'too large for readBounded, by fetch': async calls => readBounded(await calls.fetch(), LIMIT),
  'too large for readBounded, by request': async calls => readBounded(await calls.raw(), LIMIT),
  'too large for boundedFetch': async calls =>
    (await boundedFetch({ limit: LIMIT, fetch: () => calls.fetch() })('http://upstream/')).arrayBuffer(),
  'called off': async calls => {
    const controller = new AbortController()
    const { signal } = controller
    const bounded = boundedFetch({
      limit: '1GiB',
      signal,
      fetch: (_, init) => calls.fetch(init?.signal ?? undefined),
    })
    const reading = readBounded(await bounded('http://upstream/'), '1GiB')
    controller.abort(Object.assign(new Error('called off'), CODE))
    return reading
  },
  'too late': async calls => {
    const bounded = boundedFetch({
      limit: '1GiB',
      timeoutMs: 20,
      fetch: (_, init) => calls.fetch(init?.signal ?? undefined),
    })
    const response = await bounded('http://upstream/')
    return response.arrayBuffer()
  },
}

const OVER = /ERR_PLIMSOLL_(RESPONSE_TOO_LARGE|UPSTREAM_TIMEOUT)/

for (const protocol of ['HTTP/1', 'HTTP/2'] as const satisfies Protocol[]) {
  for (const [name, end] of Object.entries(ends)) {
    t.test(`after ${RESPONSES} responses nothing is left: ${name}, ${protocol}`, async t => {
      const before = handles().length
      const warnings: unknown[] = []
      const warn = (warning: unknown): unknown => warnings.push(warning)
      process.on('warning', warn)
      const upstream = await Upstream.start(t, protocol, res => writeEndlessly(res, false))
      const dispatcher = new Agent({
        allowH2: true,
        connections: AT_ONCE,
        connect: { rejectUnauthorized: false },
      })
      const { url } = upstream
      const calls: Calls = {
        fetch: signal => anyValue(undiciFetch(url, signal ? { dispatcher, signal } : { dispatcher })),
        raw: () => request(url, { dispatcher }),
      }
      const codes = new Set<string>()
      for (let done = 0; done < RESPONSES; done += AT_ONCE) {
        await Promise.all(
          Array.from({ length: AT_ONCE }, () => end(calls).catch(error => codes.add(String(error.code)))),
        )
      }
      t.equal([...codes].length, 1)
      t.match([...codes][0], OVER)
      // Not all that are called off, or are too late, have reached it.
      await upstream.idle(1)
      await dispatcher.close()
      await upstream.disconnected()
      process.off('warning', warn)
      t.same(warnings, [], 'nor too many listeners on anything')
      await until(
        () => handles().length <= before + 1,
        () => `what was there before, and the server: ${handles()}`,
      )
    })
  }
}

t.test(`after ${RESPONSES} responses that nobody reads nothing is left, once they are garbage`, async t => {
  const upstream = await Upstream.start(t, 'HTTP/1', res => writeEndlessly(res, false))
  const dispatcher = new Agent()
  t.teardown(() => dispatcher.close())
  const bounded = boundedFetch({
    limit: 1000,
    fetch: anyValue((url: string, init: object) => undiciFetch(url, { ...init, dispatcher })),
  })
  const call = async (): Promise<void> => {
    await bounded(upstream.url)
  }
  for (let done = 0; done < RESPONSES; done += 2 * AT_ONCE) {
    await Promise.all(Array.from({ length: 2 * AT_ONCE }, call))
    await until(
      () => {
        globalThis.gc?.()
        return upstream.open === 0
      },
      () => `the end of ${upstream.open}`,
    )
  }
  await upstream.idle(RESPONSES)
  await upstream.disconnected()
})

t.test('nor is of what http.get answers', async t => {
  const upstream = await Upstream.start(t, 'HTTP/1', res => writeEndlessly(res, false))
  const agent = new HttpAgent({ keepAlive: true, maxSockets: AT_ONCE })
  t.teardown(() => agent.destroy())
  const codes: unknown[] = []
  for (let done = 0; done < RESPONSES; done += AT_ONCE) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        const [res] = (await once(get(upstream.url, { agent }), 'response')) as [IncomingMessage]
        codes.push((await readBounded(res, LIMIT).catch(error => error)).code)
      }),
    )
  }
  await upstream.idle(RESPONSES)
  await upstream.disconnected()
  t.same(codes, Array(RESPONSES).fill(CODE.code))
  t.match(agent, { sockets: {}, freeSockets: {} })
})
