import { once } from 'node:events'
import { get } from 'node:http'
import { Duplex, PassThrough, Readable } from 'node:stream'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { ByteBudget, type Reservation } from '@plimsoll/core'
import t from 'tap'
import { readBounded } from '../src/read-bounded.ts'
import { anyValue } from './fixtures/any-value.ts'
import { clients } from './fixtures/clients.ts'
import { inRequest } from './fixtures/in-request.ts'
import { type Answering, Upstream, writeEndlessly } from './fixtures/upstream.ts'

const KiB = 1024
const OPTION = { code: 'ERR_PLIMSOLL_OPTION' }
const TOO_LARGE = { code: 'ERR_PLIMSOLL_RESPONSE_TOO_LARGE' }

function web(...chunks: unknown[]): ReadableStream {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}

function reservationOf(capacity: number): Reservation {
  const own = new ByteBudget({ capacity }).tryAcquire(0)
  if (own === undefined) throw new Error('0 bytes always fit')
  return own
}

for (const client of clients) {
  for (const protocol of client.protocols) {
    for (const coding of ['plain', 'gzip', 'chunked'] as const) {
      t.test(`a response is read whole: ${client.name}, ${protocol}, ${coding}`, async t => {
        const content = Buffer.alloc(100_000, 'some content ')
        const upstream = await Upstream.start(t, protocol, (res: Answering) => {
          const sent = coding === 'gzip' ? gzipSync(content) : content
          if (coding === 'gzip') res.setHeader('Content-Encoding', 'gzip')
          if (coding === 'chunked') {
            res.write(sent.subarray(0, 10))
            res.end(sent.subarray(10))
            return
          }
          res.setHeader('Content-Length', sent.length)
          res.end(sent)
        })
        const { get, close } = client.open(upstream)
        const encoded = client.name === "undici's body" && coding === 'gzip'
        const expected = encoded ? gzipSync(content) : content
        const read = await readBounded(await get(), expected.length)
        t.ok(read.equals(expected))
        t.equal(read.buffer.byteLength, expected.length, 'in memory of its own')
        if (coding !== 'gzip') {
          const { responses } = upstream
          await t.rejects(readBounded(await get(), expected.length - 1), { ...TOO_LARGE, limit: 99_999 })
          await upstream.idle(responses + 1)
        }
        await close()
      })
    }
  }
}

t.test('a response that says that it is too long is refused unread, and ended', async t => {
  for (const client of clients.filter(({ name }) => name !== "undici's body")) {
    for (const protocol of client.protocols) {
      const upstream = await Upstream.start(t, protocol, (res: Answering) => {
        res.setHeader('Content-Length', 10_000_000)
        res.write('1')
      })
      const { get, close } = client.open(upstream)
      const refused = readBounded(await get(), 1000)
      await t.rejects(refused, { ...TOO_LARGE, bytes: 10_000_000, limit: 1000 }, client.name)
      await upstream.idle(1)
      await close()
      await upstream.disconnected()
    }
  }
})

for (const client of clients.filter(({ name }) => name !== "undici's body")) {
  for (const protocol of client.protocols) {
    t.test(
      `what follows the end of what is encoded keeps no socket: ${client.name}, ${protocol}`,
      async t => {
        const upstream = await Upstream.start(t, protocol, (res: Answering) => {
          res.setHeader('Content-Encoding', 'deflate')
          res.write(deflateSync('12345'))
          writeEndlessly(res, false)
        })
        const { get, close } = client.open(upstream)
        t.equal(String(await readBounded(await get(), 100)), '12345')
        await upstream.idle(1)
        await close()
      },
    )
  }
}

t.test('the length of a body that is not sent is no reason to refuse it', async t => {
  const upstream = await Upstream.start(t, 'HTTP/1', (res: Answering, { method }) => {
    res.setHeader('Content-Length', 10_000_000)
    res.writeHead(method === 'HEAD' ? 200 : 304)
    res.end()
  })
  const { url } = upstream
  for (const method of ['HEAD', 'GET']) {
    const [response] = await once(get(url, { method }), 'response')
    t.equal((await readBounded(response, 1000)).length, 0)
  }
  await upstream.disconnected()
})

t.test('a response without a body is empty', async t => {
  t.equal((await readBounded(new Response(null, { headers: { 'content-length': '5' } }), 0)).length, 0)
  t.equal((await readBounded(new Response(''), 0)).length, 0)
  t.equal(
    (await readBounded(Readable.from([]), 0).catch(error => error)).code,
    'ERR_PLIMSOLL_OPTION',
    'objects',
  )
  t.equal((await readBounded(new PassThrough().end(), 0)).length, 0)
})

t.test('what its limit just allows is read, and a byte more is not', async t => {
  for (const source of [
    () => new Response('12345'),
    () => web(Buffer.from('123'), Buffer.from(''), Buffer.from('45')),
    () => new PassThrough().end('12345'),
    () => ({ body: new PassThrough().end('12345'), headers: { 'content-length': ['5'] } }),
    () => ({ body: web(Buffer.from('12345')), headers: new Headers({ 'content-length': '5' }) }),
  ]) {
    t.equal(String(await readBounded(source(), 5)), '12345')
    t.equal(String(await readBounded(source(), '5B')), '12345')
    await t.rejects(readBounded(source(), 4), { ...TOO_LARGE, limit: 4, statusCode: 502 })
  }
})

t.test('a length is only believed as far as it comes', async t => {
  const read = (length: string, content = '12345') =>
    readBounded({ body: new PassThrough().end(content), headers: { 'content-length': length } }, 10)
  t.equal(String(await read('3')), '12345')
  t.equal(String(await read('9')), '12345')
  t.equal((await read('9')).buffer.byteLength, 5, 'and shows nothing of what was there before')
  t.equal(String(await read('0')), '12345')
  t.equal(String(await read('-5')), '12345')
  t.equal(String(await read('five')), '12345')
})

t.test('codings are undone in their order, and what nobody knows is left as it is', async t => {
  const read = (body: Buffer, coding: string) =>
    readBounded({ body: new PassThrough().end(body), headers: { 'content-encoding': coding } }, 20)
  const text = Buffer.from('12345')
  t.equal(String(await read(gzipSync(text), 'gzip')), '12345')
  t.equal(String(await read(gzipSync(text), 'X-GZIP')), '12345')
  t.equal(String(await read(deflateSync(text), 'deflate')), '12345')
  t.equal(String(await read(brotliCompressSync(text), 'br')), '12345')
  t.equal(String(await read(brotliCompressSync(deflateSync(text)), 'deflate, br')), '12345')
  t.equal(String(await read(text, 'identity')), '12345')
  t.equal(String(await read(text, 'compress')), '12345')
  t.equal(String(await read(text, 'gzip, gzip, gzip, gzip')), '12345', 'nor one decoder after the other')
  const body = web(gzipSync(text))
  t.equal(String(await readBounded({ body, headers: { 'content-encoding': 'gzip' } }, 5)), '12345')
  await t.rejects(read(Buffer.from('no gzip'), 'gzip'), { code: 'Z_DATA_ERROR' })
  await t.rejects(read(gzipSync(text).subarray(0, 15), 'gzip'), { code: 'Z_BUF_ERROR' })
  const failing = new PassThrough()
  const reading = readBounded({ body: failing, headers: { 'content-encoding': 'gzip' } }, 5)
  failing.destroy(new Error('midway'))
  await t.rejects(reading, { message: 'midway' })
})

t.test('chunks of one byte are gathered', async t => {
  const bytes = Buffer.alloc(300 * KiB, 'abc')
  const node = new PassThrough({ highWaterMark: 2 ** 20 })
  for (const byte of bytes) node.push(Buffer.of(byte))
  node.end()
  t.ok((await readBounded(node, bytes.length)).equals(bytes))
  let at = 0
  const stream = new ReadableStream({
    pull(controller) {
      if (at === bytes.length) controller.close()
      else controller.enqueue(bytes.subarray(at, ++at))
    },
  })
  t.ok((await readBounded(stream, bytes.length)).equals(bytes))
})

t.test('a source that fails midway fails with its own error', async t => {
  const error = new Error('midway')
  const node = new PassThrough()
  node.write('1')
  const reading = readBounded(node, 5)
  setImmediate(() => node.destroy(error))
  await t.rejects(reading, error)
  const broken = new PassThrough()
  broken.write('1')
  const cut = readBounded(broken, 5)
  setImmediate(() => broken.destroy())
  await t.rejects(cut, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
  const pulled = new ReadableStream({
    pull(controller) {
      controller.error(error)
    },
  })
  await t.rejects(readBounded(pulled, 5), error)
  const failed = new PassThrough()
  failed.on('error', () => {})
  failed.destroy(error)
  await t.rejects(readBounded(failed, 5), error)
})

t.test('what is not to be had whole is refused, and ended', async t => {
  const destroyed = new PassThrough()
  destroyed.destroy()
  await t.rejects(readBounded(destroyed, 5), { ...OPTION, message: /a stream that is open/ })

  const partly = new PassThrough()
  partly.write('12')
  partly.read(1)
  await t.rejects(readBounded(partly, 5), { ...OPTION, message: /nobody has read/ })
  t.ok(partly.destroyed)

  const objects = Readable.from([1, 2])
  await t.rejects(readBounded(objects, 5), { ...OPTION, message: /not of objects/ })
  t.ok(objects.destroyed)

  const texts = new PassThrough().setEncoding('utf8')
  await t.rejects(readBounded(texts, 5), { ...OPTION, message: /setEncoding/ })
  t.ok(texts.destroyed)

  let cancelled: unknown
  const strings = new ReadableStream({
    start: controller => controller.enqueue('text'),
    cancel: reason => {
      cancelled = reason
    },
  })
  await t.rejects(readBounded(strings, 5), { ...OPTION, message: /a stream of bytes/ })
  t.match(cancelled, OPTION)
  t.equal(strings.locked, false)

  const read = web(Buffer.from('1'), Buffer.from('2'))
  const reader = read.getReader()
  await t.rejects(readBounded(read, 5), { ...OPTION, message: /nobody else reads/ })
  await reader.read()
  reader.releaseLock()
  await t.rejects(readBounded(read, 5), { ...OPTION, message: /nobody has read/ })

  const used = new Response('12345')
  await used.text()
  await t.rejects(readBounded(used, 5), OPTION)
})

t.test('what is no source, no size or no option is told', async t => {
  for (const source of [
    undefined,
    null,
    'text',
    Buffer.from('1'),
    {},
    { body: null },
    { body: 'text', headers: {} },
  ]) {
    await t.rejects(readBounded(anyValue(source), 5), { ...OPTION, message: /^source must be/ })
  }
  for (const limit of [undefined, -1, Number.NaN, '5', Number.POSITIVE_INFINITY]) {
    const source = new PassThrough()
    await t.rejects(readBounded(source, anyValue(limit)), { ...OPTION, message: /^limit must be/ })
    t.ok(source.destroyed, 'and what came with it is ended')
  }
  await t.rejects(readBounded(new PassThrough(), 5, anyValue({ reservations: 5 })), OPTION)
  await t.rejects(readBounded(new PassThrough(), 5, anyValue(null)), OPTION)
  for (const [options, message] of [
    [{ reservation: {} }, /^reservation must be/],
    [{ reservation: null }, /^reservation must be/],
    [{ signal: {} }, /^signal must be/],
  ] as const) {
    await t.rejects(readBounded(new PassThrough(), 5, anyValue(options)), { ...OPTION, message })
  }
})

t.test('a signal ends the reading with its reason', async t => {
  const reason = new Error('no more')
  for (const source of [
    () => new PassThrough(),
    () => new ReadableStream(),
    () => new Response(new ReadableStream()),
  ]) {
    const controller = new AbortController()
    const waiting = source()
    const reading = readBounded(waiting, 5, { signal: controller.signal })
    setImmediate(() => controller.abort(reason))
    await t.rejects(reading, reason)
    const late = source()
    await t.rejects(readBounded(late, 5, { signal: controller.signal }), reason)
    if (late instanceof Duplex) t.ok(late.destroyed)
  }
})

t.test('what is read is held from when it comes until it is released', async t => {
  const reservation = reservationOf(1400)
  t.equal((await readBounded(new Response('x'.repeat(400)), 1000, { reservation })).length, 400)
  t.equal(reservation.bytes, 400)
  const known = { body: new PassThrough().end('x'.repeat(400)), headers: { 'content-length': '400' } }
  await readBounded(known, 500, { reservation })
  t.equal(reservation.bytes, 800)
  const exact = reservationOf(1399)
  const short = readBounded(new Response('x'.repeat(400)), 1000, { reservation: exact })
  await t.rejects(short, { code: 'ERR_PLIMSOLL_NO_ROOM' }, 'the copy needs room, too')
  t.equal(exact.bytes, 0)
})

t.test('what has no room is refused and ended, and holds nothing', async t => {
  const reservation = reservationOf(30_000)
  const source = new PassThrough({ highWaterMark: 2 ** 20 }).end(Buffer.alloc(40_000))
  const refused = readBounded(source, 100_000, { reservation })
  await t.rejects(refused, {
    code: 'ERR_PLIMSOLL_NO_ROOM',
    statusCode: 503,
    headers: { 'Retry-After': /^[1-5]$/ },
  })
  t.ok(source.destroyed)
  t.equal(reservation.bytes, 0)
  const known = { body: new PassThrough(), headers: { 'content-length': '30001' } }
  const unread = readBounded(known, 100_000, { reservation })
  await t.rejects(unread, { code: 'ERR_PLIMSOLL_NO_ROOM', bytes: 30_001 })
  t.ok(known.body.destroyed)
  t.equal(reservation.bytes, 0)
  reservation.release()
  const late = readBounded(new PassThrough().end('1'), 5, { reservation })
  await t.rejects(late, { code: 'ERR_PLIMSOLL_RELEASED' })
})

t.test('what a request has read it holds until it is over, and its route is told of it', async t => {
  const { governor, reservation, answer, idle } = await inRequest(t)
  t.equal((await readBounded(new Response('x'.repeat(300)), 400, { reservation })).length, 300)
  t.equal(reservation.bytes, 300)
  const known = () => ({ body: new PassThrough().end('x'.repeat(200)), headers: { 'content-length': '200' } })
  await readBounded(known(), 200, { reservation })
  t.equal(reservation.bytes, 500)
  await t.rejects(readBounded(new Response('x'.repeat(300)), 299, { reservation }), TOO_LARGE)
  t.equal(reservation.bytes, 500)
  const piece = reservation.tryReserve(0)
  await readBounded(known(), 200, { reservation: piece })
  t.equal(reservation.bytes, 700)
  piece?.release()
  t.equal(reservation.bytes, 500)
  answer()
  await idle()
  t.match(governor.report().routes[0]?.work, { readBytes: 500, declaredBytes: 200 })
  await t.rejects(readBounded(known(), 200, { reservation }), { code: 'ERR_PLIMSOLL_RELEASED' })
})
