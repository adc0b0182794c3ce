import { randomBytes } from 'node:crypto'
import { PassThrough, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, gzipSync } from 'node:zlib'
import bodyParser from 'body-parser'
import { answerFault, type Handler, scenario } from './fixtures/governed-server.ts'
import { CHUNKED, head, LAST_CHUNK } from './fixtures/raw-client.ts'

const KiB = 1024
const MiB = 1024 * KiB
const GZIP = { 'Content-Encoding': 'gzip' }

const gzipped = (bytes: number): Buffer => gzipSync(Buffer.alloc(bytes, 'x'))

const sinkOf = (): Writable & { bytes: number } =>
  Object.assign(
    new Writable({
      write(part, _encoding, done) {
        ;(this as Writable & { bytes: number }).bytes += part.length
        done()
      },
    }),
    { bytes: 0 },
  )

/** Inflates as parsers do, and answers with what it got and what that costs. */
const inflate: Handler = async (req, res, reservation) => {
  const sink = sinkOf()
  try {
    await pipeline(req, createGunzip(), sink)
    res.end(`${sink.bytes} bytes, holds ${reservation.bytes}`)
  } catch (error) {
    answerFault(res, error)
  }
}

scenario(
  'what an encoded body becomes is what it costs',
  { options: { budget: MiB }, handler: inflate },
  async (t, server) => {
    t.match(await server.send('/a', gzipped(300 * KiB), GZIP), { text: '307200 bytes, holds 307200' })
    const client = await server.connect()
    client.write(head('POST', '/b', { ...CHUNKED, ...GZIP }))
    const body = gzipped(100)
    client.write(`${body.length.toString(16)}\r\n`)
    client.write(body as never)
    client.write(`\r\n${LAST_CHUNK}`)
    await client.receives('100 bytes, holds 100')
  },
)

const asked: number[] = []
scenario(
  'its cost function is not asked with each piece that comes out',
  {
    options: {
      budget: 32 * MiB,
      maxBody: 8 * MiB,
      cost({ declaredBytes = 0 }) {
        asked.push(declaredBytes)
        return 2 * declaredBytes
      },
    },
    handler: inflate,
  },
  async (t, server) => {
    const raw = Buffer.concat(
      Array.from({ length: 64 }, () => Buffer.concat([randomBytes(16 * KiB), Buffer.alloc(48 * KiB)])),
    )
    const body = gzipSync(raw)
    t.match(await server.send('/a', body, GZIP), { text: `${raw.length} bytes, holds ${2 * raw.length}` })
    // 256 pieces of 16 KiB have come out.
    t.ok(asked.length < 100, `${asked.length} times`)
  },
)

scenario(
  'a cost function that throws for larger ones refuses none that it has a cost for',
  {
    options: {
      budget: 32 * MiB,
      cost({ declaredBytes = 0 }) {
        if (declaredBytes > 100 * KiB) throw new Error('too large')
        return declaredBytes
      },
    },
    handler: inflate,
  },
  async (t, server) => {
    t.match(await server.send('/a', gzipped(90 * KiB), GZIP), { status: 200 })
    t.match(await server.send('/b', gzipped(110 * KiB), GZIP), { status: 500 })
    // And amid it, where its decoder is ended.
    t.match(await server.send('/c', gzipped(900 * KiB), GZIP), { status: 500 })
  },
)

scenario(
  'what costs less where it is larger costs what it is',
  {
    options: {
      budget: 32 * MiB,
      maxBody: MiB,
      // Large ones are written to a file.
      cost: ({ declaredBytes = 0 }) => (declaredBytes > 200 * KiB ? 1024 : 2 * declaredBytes),
    },
    handler: inflate,
  },
  async (t, server) => {
    const bytes = 150 * KiB
    t.match(await server.send('/a', gzipped(bytes), GZIP), { text: `${bytes} bytes, holds ${2 * bytes}` })
  },
)

scenario(
  'what is asked for anew amid a body that is inflated covers what it becomes',
  {
    options: { budget: 32 * MiB, maxBody: MiB, cost: ({ declaredBytes = 0 }) => 4 * declaredBytes },
    handler: async (req, res, reservation) => {
      const sink = sinkOf()
      const decoder = createGunzip()
      decoder.once('data', () => {
        reservation.requeue(1).catch(() => {})
      })
      await pipeline(req, decoder, sink)
      res.end(`${sink.bytes} bytes, holds ${reservation.bytes}`)
    },
  },
  async (t, server) => {
    const bytes = 200 * KiB
    const body = gzipSync(Buffer.concat([randomBytes(100 * KiB), Buffer.alloc(100 * KiB)]))
    t.match(await server.send('/a', body, GZIP), { text: `${bytes} bytes, holds ${4 * bytes}` })
  },
)

scenario(
  'what is found to be streamed amid its body costs no more for what it becomes',
  {
    options: { budget: MiB },
    handler: async (req, res, reservation, server) => {
      const decoder = createGunzip()
      decoder.once('data', () => server.governor.admit(req, res, { body: 'stream' }))
      const sink = sinkOf()
      await pipeline(req, decoder, sink)
      res.end(`${sink.bytes} bytes, ${reservation.bytes <= 128 * KiB}`)
    },
  },
  async (t, server) => {
    t.match(await server.send('/a', gzipped(40 * KiB), GZIP), { text: '40960 bytes, true' })
  },
)

scenario(
  'what has come out last is priced, too, though it is little',
  { options: { budget: 78 * KiB }, handler: inflate },
  async (t, server) => {
    // Of which some 74 KiB are expected; it is asked at 64, and then at its end.
    const body = (bytes: number): Buffer =>
      gzipSync(Buffer.concat([randomBytes(9 * KiB), Buffer.alloc(bytes - 9 * KiB)]))
    t.match(await server.send('/a', body(77 * KiB), GZIP), { text: '78848 bytes, holds 78848' })
    t.match(await server.send('/b', body(80 * KiB), GZIP), { status: 413 })
  },
)

for (const mode of ['enforce', 'observe'] as const) {
  scenario(
    `what an encoded body becomes near its limit is what it costs: ${mode}`,
    {
      options: {
        mode,
        budget: 32 * MiB,
        maxBody: 200 * KiB,
        cost: ({ declaredBytes = 0 }) => 4 * declaredBytes,
      },
      handler: inflate,
    },
    async (t, server) => {
      const bytes = 150 * KiB
      t.match(await server.send('/a', gzipped(bytes), GZIP), { text: `${bytes} bytes, holds ${4 * bytes}` })
      t.same(server.governor.stats().observed.refused, {})
    },
  )
}

scenario(
  'an encoded body that costs by a function is asked for what it becomes',
  {
    options: { budget: MiB, maxBody: 200 * KiB, cost: ({ declaredBytes = 0 }) => 2 * declaredBytes },
    handler: inflate,
  },
  async (t, server) => {
    t.match(await server.send('/a', gzipped(100 * KiB), GZIP), { text: '102400 bytes, holds 204800' })
    t.match(await server.send('/b', gzipped(300 * KiB), GZIP), { status: 413 })
  },
)

scenario(
  'a body that becomes too much is cut for whoever reads it, and the error stays what it is',
  {
    options: { budget: MiB, maxBody: 100 * KiB },
    handler: async (req, res) => {
      const decoder = createGunzip()
      // As @fastify/compress does.
      decoder.on('error', error => Object.assign(error, { name: 'Other', code: 'OTHER', statusCode: 400 }))
      try {
        await pipeline(req, new PassThrough(), decoder, sinkOf())
      } catch (error) {
        answerFault(res, error)
      }
    },
  },
  async (t, server) => {
    t.match(await server.send('/a', gzipped(16 * MiB), GZIP), {
      status: 413,
      text: 'ERR_PLIMSOLL_BODY_TOO_LARGE',
    })
  },
)

scenario(
  'who pipes twice into one decoder, and hears of no error, is counted once and answered for',
  {
    options: { budget: MiB },
    handler: (req, _res) => {
      const decoder = createGunzip()
      req.pipe(decoder).resume()
      req.unpipe(decoder)
      req.pipe(decoder)
    },
  },
  async (t, server) => {
    t.match(await server.send('/a', gzipped(16 * MiB), GZIP), { status: 413 })
  },
)

scenario(
  'an encoded body that finds no room is refused with 503',
  {
    options: { budget: 100 * KiB },
    handler: (req, res, reservation, server) => {
      const { budget } = server.governor
      const room = budget.charge(budget.available)
      res.on('close', () => room.release())
      return inflate(req, res, reservation, server)
    },
  },
  async (t, server) => {
    t.match(await server.send('/a', gzipped(90 * KiB), GZIP), { status: 503 })
    t.equal(server.governor.stats().refused.ERR_PLIMSOLL_NO_ROOM, 1)
  },
)

{
  const parse = bodyParser.text({ limit: '1gb' })
  scenario(
    'a route that is asked about after the body was inflated pays for what it is',
    {
      options: { budget: MiB },
      handler: (req, res, reservation, { governor }) =>
        parse(req, res, async error => {
          if (error) return answerFault(res, error)
          try {
            const limits = { '/small': 10 * KiB, '/large': 500 * KiB }
            await governor.admit(req, res, { maxBody: limits[req.url as '/small'] })
            res.end(`holds ${reservation.bytes}`)
          } catch (refusal) {
            answerFault(res, refusal)
          }
        }),
    },
    async (t, server) => {
      const text = { ...GZIP, 'Content-Type': 'text/plain' }
      t.match(await server.send('/large', gzipped(100 * KiB), text), { text: 'holds 102400' })
      t.match(await server.send('/small', gzipped(100 * KiB), text), { status: 413 })
      t.match(await server.send('/large', '12345', { 'Content-Type': 'text/plain' }), { text: 'holds 5' })
    },
  )
}

scenario(
  'a route that is asked about before the body is inflated reserves what it may become',
  {
    options: { budget: MiB },
    handler: async (req, res, reservation, { governor }) => {
      await governor.admit(req, res, { maxBody: 200 })
      res.end(`holds ${reservation.bytes}`)
    },
  },
  async (t, server) => {
    t.match(await server.send('/a', Buffer.alloc(100), GZIP), { text: 'holds 200' })
  },
)

scenario(
  'exempt requests and streams hold nothing of what their body becomes, and are bounded by maxBody',
  {
    options: { budget: MiB, maxBody: 10 * MiB, body: 'stream', exempt: ({ url }) => url === '/exempt' },
    handler: inflate,
  },
  async (t, server) => {
    t.match(await server.send('/exempt', gzipped(8 * MiB), GZIP), { text: '8388608 bytes, holds 0' })
    const { text } = await server.send('/stream', gzipped(8 * MiB), GZIP)
    t.match(text, /^8388608 bytes, holds \d{1,6}$/)
    t.match(await server.send('/exempt', gzipped(16 * MiB), GZIP), { status: 413 })
    t.match(await server.send('/stream', gzipped(16 * MiB), GZIP), { status: 413 })
  },
)

for (const exempt of [false, true]) {
  scenario(
    `a route that accepts no encoded body refuses it${exempt ? ', exempt or not' : ''}`,
    { options: { acceptEncoded: false, exempt: () => exempt } },
    async (t, server) => {
      t.match(await server.send('/a', gzipped(5), GZIP), {
        status: 415,
        headers: { 'accept-encoding': 'identity' },
        text: 'ERR_PLIMSOLL_ENCODING',
      })
      t.match(await server.send('/a', '12345', { 'Content-Encoding': 'Identity' }), { status: 200 })
    },
  )
}
