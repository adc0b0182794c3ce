import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { until } from '@plimsoll/contract'
import t from 'tap'
import { Agent, fetch as undiciFetch } from 'undici'
import { FakeClock } from '../../core/test/fixtures/fake-clock.ts'
import { boundedFetch } from '../src/bounded-fetch.ts'
import { readBounded } from '../src/read-bounded.ts'
import { anyValue } from './fixtures/any-value.ts'
import { inRequest } from './fixtures/in-request.ts'
import { type Answering, Upstream, writeEndlessly } from './fixtures/upstream.ts'

const TOO_LARGE = { code: 'ERR_PLIMSOLL_RESPONSE_TOO_LARGE', statusCode: 502 }
const TIMEOUT = { code: 'ERR_PLIMSOLL_UPSTREAM_TIMEOUT', statusCode: 504 }
const CODINGS = ['plain', 'gzip'] as const

/** Undici's own fetch over one protocol, each call with a connection that can be counted. */
function undici(t: { teardown(done: () => Promise<void>): void }): typeof fetch {
  const dispatcher = new Agent({ allowH2: true, connect: { rejectUnauthorized: false } })
  t.teardown(() => dispatcher.close())
  return anyValue((input: string, init: object) => undiciFetch(input, { ...init, dispatcher }))
}

for (const protocol of ['HTTP/1', 'HTTP/2'] as const) {
  for (const coding of CODINGS) {
    t.test(`a body fails at its limit, and the response is ended: ${protocol}, ${coding}`, async t => {
      const upstream = await Upstream.start(t, protocol, res => writeEndlessly(res, coding === 'gzip'))
      const bounded = boundedFetch({ limit: '100kB', fetch: undici(t) })
      const response = await bounded(upstream.url)
      let read = 0
      const reading = (async () => {
        for await (const chunk of response.body ?? []) read += (chunk as Uint8Array).length
      })()
      await t.rejects(reading, { ...TOO_LARGE, limit: 100_000 })
      t.ok(read <= 100_000, `${read} bytes`)
      await upstream.idle(1)
    })
  }

  t.test(`a call that takes too long ends, wherever it is: ${protocol}`, async t => {
    const upstream = await Upstream.start(t, protocol, (res, { url }) => {
      if (url === '/head') return
      res.writeHead(200)
      res.write('some')
    })
    const call = boundedFetch({ limit: 100, timeoutMs: 5000, fetch: undici(t) })
    // Undici's own timers are not those of the globals.
    const clock = new FakeClock(t)
    const noHead = call(`${upstream.url}head`)
    noHead.catch(() => {})
    const response = await call(upstream.url)
    const unread = await call(upstream.url)
    t.equal(clock.pending >= 3, true)
    const reading = response.text()
    reading.catch(() => {})
    clock.tick(4999)
    t.equal(upstream.open, 3)
    clock.tick(1)
    await t.rejects(noHead, TIMEOUT)
    await t.rejects(reading, TIMEOUT)
    await t.rejects(unread.text(), TIMEOUT)
    await upstream.idle(3)
  })
}

t.test('a response that says that it is too long is refused by its head, and ended', async t => {
  const upstream = await Upstream.start(t, 'HTTP/1', (res: Answering) => {
    res.setHeader('Content-Length', 1001)
    res.write('1')
  })
  await t.rejects(boundedFetch({ limit: 1000 })(upstream.url), { ...TOO_LARGE, bytes: 1001, limit: 1000 })
  await upstream.idle(1)
  await upstream.disconnected()
})

t.test('a response in its bounds is as it was', async t => {
  const upstream = await Upstream.start(t, 'HTTP/1', (res: Answering, { url }) => {
    if (url === '/from') {
      res.setHeader('Location', '/to')
      res.writeHead(302)
    } else if (url === '/nothing') res.writeHead(204)
    else {
      res.setHeader('Content-Type', 'application/json')
      res.writeHead(404)
    }
    res.end(url === '/nothing' ? undefined : '{"a":1}')
  })
  const bounded = boundedFetch({ limit: 7 })
  const { url } = upstream
  const response = await bounded(`${url}from`)
  t.ok(response instanceof Response)
  t.match(response, {
    status: 404,
    ok: false,
    url: `${url}to`,
    redirected: true,
    type: 'basic',
    bodyUsed: false,
  })
  t.equal(response.headers.get('content-type'), 'application/json')
  t.same(await response.clone().json(), { a: 1 })
  t.same(await response.json(), { a: 1 })
  t.match(await bounded(`${url}nothing`), { status: 204, body: null })
  t.equal((await readBounded(await bounded(new Request(url)), 7)).length, 7)
  const reader = (await bounded(url)).body?.getReader({ mode: 'byob' })
  t.equal((await reader?.read(new Uint8Array(10)))?.value?.length, 7)
  t.equal((await reader?.read(new Uint8Array(10)))?.done, true)
  await upstream.idle(5)
})

t.test(
  'a signal calls it off with its reason, whether it is of the call, its request, or of all calls',
  async t => {
    const upstream = await Upstream.start(t, 'HTTP/1', (res: Answering) => res.write('some'))
    const { url } = upstream
    const reason = new Error('nobody wants it')
    const ways: ((signal: AbortSignal) => Promise<Response>)[] = [
      signal => boundedFetch({ limit: 10 })(url, { signal }),
      signal => boundedFetch({ limit: 10 })(new Request(url, { signal })),
      signal => boundedFetch({ limit: 10, signal })(url, { signal: null }),
    ]
    for (const [index, way] of ways.entries()) {
      const controller = new AbortController()
      const response = await way(controller.signal)
      const reading = response.text()
      reading.catch(() => {})
      controller.abort(reason)
      await t.rejects(reading, reason)
      await t.rejects(way(controller.signal), reason, 'nor does it begin')
      await upstream.idle(index + 1)
      t.equal(upstream.responses, index + 1)
    }
  },
)

t.test('a signal that lives on keeps nothing of calls that are over', async t => {
  const upstream = await Upstream.start(t, 'HTTP/1', (res: Answering) => res.end('some'))
  const { signal } = new AbortController()
  const listeners = new Set<unknown>()
  const { addEventListener, removeEventListener } = signal
  Object.assign(signal, {
    addEventListener(...args: Parameters<typeof addEventListener>) {
      listeners.add(args[1])
      addEventListener.apply(signal, args)
    },
    removeEventListener(...args: Parameters<typeof removeEventListener>) {
      listeners.delete(args[1])
      removeEventListener.apply(signal, args)
    },
  })
  const bounded = boundedFetch({ limit: 4, signal })
  await (await bounded(upstream.url)).text()
  await (await bounded(upstream.url)).body?.cancel()
  await t.rejects(
    boundedFetch({ limit: 3, signal })(upstream.url).then(response => response.text()),
    TOO_LARGE,
  )
  await t.rejects(bounded('http://127.0.0.1:1/'), { message: 'fetch failed' })
  t.equal(listeners.size, 0)
})

t.test('the body of a response that nobody has any more is ended', async t => {
  const upstream = await Upstream.start(t, 'HTTP/1', res => writeEndlessly(res, false))
  const bounded = boundedFetch({ limit: '1GiB' })
  let forgotten = 0
  // In functions of their own, or this one would keep what they have.
  const unread = async (): Promise<void> => {
    if ((await bounded(upstream.url)).ok) forgotten++
  }
  const begun = async (): Promise<void> => {
    await (await bounded(upstream.url)).body?.getReader().read()
    forgotten++
  }
  const kept = await bounded(upstream.url)
  await unread()
  await begun()
  t.equal(forgotten, 2)
  await until(() => {
    ;(globalThis as { gc?: () => void }).gc?.()
    return upstream.open === 1
  }, 'the end of what nobody reads')
  await kept.body?.cancel()
  await upstream.idle(3)
})

t.test('a fetch that does not look at its signal is bounded all the same', async t => {
  let cancelled: unknown
  const body = () =>
    new ReadableStream({
      pull: controller => controller.enqueue(new Uint8Array(10)),
      cancel: reason => {
        cancelled = reason
      },
    })
  const controller = new AbortController()
  const { signal } = controller
  const own = (limit: number) =>
    boundedFetch({ limit, signal, fetch: async () => new Response(body(), { headers: { 'x-own': '1' } }) })
  await t.rejects((await own(25)('http://nowhere/')).text(), TOO_LARGE)
  t.match(cancelled, TOO_LARGE)
  cancelled = undefined
  const response = await own(1000)('http://nowhere/')
  t.equal(response.headers.get('x-own'), '1')
  const reason = new Error('no more')
  controller.abort(reason)
  await t.rejects(response.text(), reason)
  t.equal(cancelled, reason)
  let resolve: (response: Response) => void = () => {}
  const late = new AbortController()
  const call = boundedFetch({ limit: 10, fetch: () => new Promise(r => (resolve = r)) })
  const calling = call('http://nowhere/', { signal: late.signal })
  late.abort(reason)
  cancelled = undefined
  resolve(new Response(body()))
  await t.rejects(calling, reason)
  t.equal(cancelled, reason, 'and what it answers too late is ended')
  const empty = new ReadableStream({
    start(controller) {
      controller.enqueue(new Uint8Array(0))
      controller.enqueue(Buffer.from('1'))
      controller.close()
    },
  })
  t.equal(
    await (
      await boundedFetch({ limit: 1, fetch: async () => new Response(empty) })('http://nowhere/')
    ).text(),
    '1',
  )
})

t.test('the route of a request is told what is read for it, once', async t => {
  const zeros = gzipSync(Buffer.alloc(100_000))
  const upstream = await Upstream.start(t, 'HTTP/1', (res: Answering, { url }) => {
    if (url === '/zeros') res.setHeader('Content-Encoding', 'gzip')
    res.setHeader('Content-Length', url === '/zeros' ? zeros.length : 500)
    res.end(url === '/zeros' ? zeros : 'x'.repeat(500))
  })
  const { governor, reservation, answer, idle } = await inRequest(t, { budget: '1MiB' })
  const bounded = boundedFetch({ limit: 100_000, reservation })
  t.equal((await (await bounded(upstream.url)).text()).length, 500)
  t.equal(reservation.bytes, 0, 'nothing is held of it')
  t.equal(
    (await readBounded(await bounded(`${upstream.url}zeros`), 100_000, { reservation })).length,
    100_000,
  )
  await (await bounded(upstream.url)).body?.cancel()
  // Of another fetch there is only readBounded to tell it.
  await readBounded(await fetch(`${upstream.url}zeros`), 100_000, { reservation })
  const bits = [new Uint8Array(0), Buffer.from('some')]
  const inBits = new Response(Readable.toWeb(Readable.from(bits)) as ReadableStream, {
    headers: { 'content-length': '4' },
  })
  await (await boundedFetch({ limit: 4, reservation, fetch: async () => inBits })('http://nowhere/')).text()
  answer()
  await idle()
  t.match(governor.report().routes[0]?.work, {
    readBytes: 500 + 2 * 100_000 + 4,
    declaredBytes: 500 + 2 * zeros.length + 4,
  })
})

t.test('the calls of a request end where its client leaves', async t => {
  const upstream = await Upstream.start(t, 'HTTP/1', (res: Answering) => res.write('some'))
  const { reservation, client, answer, idle } = await inRequest(t)
  const reading = (await boundedFetch({ limit: 10, reservation })(upstream.url)).text()
  reading.catch(() => {})
  client.leave()
  await t.rejects(reading, { code: 'ERR_PLIMSOLL_CLIENT_GONE' })
  await upstream.idle(1)
  answer()
  await idle()
})

t.test('options are checked when it is made', async t => {
  const wrong: [object, RegExp][] = [
    [{}, /^limit must be/],
    [{ limit: -1 }, /^limit must be/],
    [{ limit: 1, timeoutMs: 0 }, /^timeoutMs must be/],
    [{ limit: 1, timeoutMs: 2 ** 31 }, /^timeoutMs must be/],
    [{ limit: 1, timeoutMs: Number.NaN }, /^timeoutMs must be/],
    [{ limit: 1, fetch: 5 }, /^fetch must be/],
    [{ limit: 1, signal: {} }, /^signal must be/],
    [{ limit: 1, reservation: {} }, /^reservation must be/],
    [{ limit: 1, timeout: 5 }, /"timeout"/],
  ]
  for (const [options, message] of wrong) {
    t.throws(() => boundedFetch(anyValue(options)), { code: 'ERR_PLIMSOLL_OPTION', message })
  }
})
