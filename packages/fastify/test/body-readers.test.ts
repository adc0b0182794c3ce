import { createHash } from 'node:crypto'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { createGzip, gunzipSync } from 'node:zlib'
import formbody from '@fastify/formbody'
import multipart from '@fastify/multipart'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { send } from './fixtures/client.ts'
import { governedApp, KiB, MiB } from './fixtures/governed-app.ts'

const LIMIT = 16 * KiB

/** A way to read a body, and a body of about `size` bytes for it. */
interface Reader {
  readonly how: string
  readonly type: string
  readonly declare: (app: FastifyInstance) => unknown
  readonly body: (size: number) => Buffer
  /** What the handler answers for that body. */
  readonly read: (body: Buffer) => unknown
}

const sha = (data: Buffer | string) => createHash('sha256').update(data).digest('hex')

class Sink extends Writable {
  readonly hash = createHash('sha256')

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.hash.update(chunk)
    // Slowly, so that backpressure reaches the socket.
    setImmediate(done)
  }
}

const BOUNDARY = '----plimsoll'

function formOf(file: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`--${BOUNDARY}\r\ncontent-disposition: form-data; name="note"\r\n\r\nhello\r\n`),
    Buffer.from(`--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="a.bin"\r\n`),
    Buffer.from('content-type: application/octet-stream\r\n\r\n'),
    file,
    Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
  ])
}

const FORM = `multipart/form-data; boundary=${BOUNDARY}`
const fileIn = (form: Buffer) =>
  form.subarray(formOf(Buffer.alloc(0)).indexOf(`\r\n--${BOUNDARY}--`), -(BOUNDARY.length + 8))

const READERS: Reader[] = [
  {
    how: 'the JSON parser',
    type: 'application/json',
    declare: app => app.post('/', async request => sha((request.body as { text: string }).text)),
    body: size => Buffer.from(JSON.stringify({ text: 'x'.repeat(size - 11) })),
    read: body => sha(JSON.parse(body.toString()).text),
  },
  {
    how: 'the text parser',
    type: 'text/plain',
    declare: app => app.post('/', async request => sha(request.body as string)),
    body: size => Buffer.alloc(size, 'x'),
    read: sha,
  },
  {
    how: '@fastify/formbody',
    type: 'application/x-www-form-urlencoded',
    declare: async app => {
      await app.register(formbody)
      app.post('/', async request => sha((request.body as { text: string }).text))
    },
    body: size => Buffer.from(`text=${'x'.repeat(size - 5)}`),
    read: body => sha(body.subarray(5)),
  },
  {
    how: 'a parser of whole buffers for everything',
    type: 'image/png',
    declare: app => {
      app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
      app.post('/', async request => sha(request.body as Buffer))
    },
    body: size => Buffer.alloc(size, 'x'),
    read: sha,
  },
  {
    how: 'a parser that hands the stream on to a pipe',
    type: 'application/octet-stream',
    declare: app => {
      app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload))
      app.post('/', async request => {
        const sink = new Sink()
        await pipeline(request.body as NodeJS.ReadableStream, sink)
        return sink.hash.digest('hex')
      })
    },
    body: size => Buffer.alloc(size, 'x'),
    read: sha,
  },
  {
    how: 'a handler that iterates the raw request',
    type: 'application/octet-stream',
    declare: app => {
      app.addContentTypeParser('application/octet-stream', (_request, _payload, done) => done(null))
      app.post('/', async request => {
        const hash = createHash('sha256')
        for await (const chunk of request.raw) hash.update(chunk as Buffer)
        return hash.digest('hex')
      })
    },
    body: size => Buffer.alloc(size, 'x'),
    read: sha,
  },
  {
    how: 'an async parser that collects the chunks itself',
    type: 'application/x-own',
    declare: app => {
      app.addContentTypeParser(
        'application/x-own',
        async (_request: unknown, payload: NodeJS.ReadableStream) => {
          const chunks: Buffer[] = []
          for await (const chunk of payload) chunks.push(chunk as Buffer)
          return Buffer.concat(chunks)
        },
      )
      app.post('/', async request => sha(request.body as Buffer))
    },
    body: size => Buffer.alloc(size, 'x'),
    read: sha,
  },
  {
    how: '@fastify/multipart, its files read whole',
    type: FORM,
    declare: async app => {
      await app.register(multipart, { limits: { fileSize: 64 * MiB } })
      app.post('/', async request => {
        const file = await request.file()
        return file && sha(await file.toBuffer())
      })
    },
    body: size => formOf(Buffer.alloc(size - formOf(Buffer.alloc(0)).length, 'x')),
    read: body => sha(fileIn(body)),
  },
  {
    how: '@fastify/multipart, its files piped',
    type: FORM,
    declare: async app => {
      await app.register(multipart, { limits: { fileSize: 64 * MiB } })
      app.post('/', async request => {
        const sink = new Sink()
        for await (const part of request.parts()) {
          if (part.type === 'file') await pipeline(part.file, sink)
        }
        return sink.hash.digest('hex')
      })
    },
    body: size => formOf(Buffer.alloc(size - formOf(Buffer.alloc(0)).length, 'x')),
    read: body => sha(fileIn(body)),
  },
  {
    how: '@fastify/multipart, attached to the body',
    type: FORM,
    declare: async app => {
      await app.register(multipart, { attachFieldsToBody: 'keyValues', limits: { fileSize: 64 * MiB } })
      app.post('/', async request => sha((request.body as { file: Buffer }).file))
    },
    body: size => formOf(Buffer.alloc(size - formOf(Buffer.alloc(0)).length, 'x')),
    read: body => sha(fileIn(body)),
  },
]

for (const { how, type, declare, body, read } of READERS) {
  t.test(`${how} is bounded, and works unchanged within its bounds`, async t => {
    const server = await governedApp(t, {
      server: { bodyLimit: 64 * MiB },
      options: { budget: '1MiB', maxBody: LIMIT },
      routes: declare,
    })
    for (const chunked of [false, true]) {
      const headers = { 'content-type': type, ...(chunked ? { 'transfer-encoding': 'chunked' } : {}) }
      await t.test(chunked ? 'chunked' : 'with a length', async t => {
        const largest = body(LIMIT)
        t.equal(largest.length, LIMIT)
        const served = await send(server.port, '/', { headers, body: largest })
        t.strictSame([served.status, served.body.toString()], [200, read(largest)])
        await server.leavesNothing(t)

        for (const size of [LIMIT + 1, 100 * KiB, 8 * MiB]) {
          const refused = await send(server.port, '/', { headers, body: body(size) })
          t.match(refused.json(), { statusCode: 413, code: 'ERR_PLIMSOLL_BODY_TOO_LARGE' }, `${size} bytes`)
          await server.leavesNothing(t)
        }
      })
    }
  })

  t.test(`${how} is bounded by the budget where there is no other limit`, async t => {
    const server = await governedApp(t, {
      server: { bodyLimit: 64 * MiB },
      options: { budget: LIMIT },
      routes: declare,
    })
    const headers = { 'content-type': type, 'transfer-encoding': 'chunked' }
    const largest = body(LIMIT)
    t.equal((await send(server.port, '/', { headers, body: largest })).body.toString(), read(largest))
    const refused = await send(server.port, '/', { headers, body: body(8 * MiB) })
    t.match(refused.json(), { statusCode: 413, message: 'The request body is too large' })
    await server.leavesNothing(t)
  })
}

t.test('a body that arrived before the plugin\u2019s turn is bounded too', async t => {
  const server = await governedApp(t, {
    options: { budget: '1MiB' },
    before: app =>
      app.addHook('onRequest', async request => {
        // Until all of a small body is in, and as much of a large one as Node lets in.
        if (request.url === '/') {
          for (let i = 0; i < 50 && !request.raw.complete; i++) await turn()
        }
      }),
    routes: app =>
      app.post('/', { bodyLimit: KiB }, async request => ({
        length: (request.body as string).length,
        bytes: request.plimsoll.bytes,
      })),
  })
  const headers = { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' }
  for (const size of [1, KiB]) {
    const served = await send(server.port, '/', { headers, body: Buffer.alloc(size, 'x') })
    t.strictSame(served.json(), { length: size, bytes: size }, 'and costs what it is')
    await server.leavesNothing(t)
  }
  for (const size of [KiB + 1, 20 * KiB, 2 * MiB]) {
    const refused = await send(server.port, '/', { headers, body: Buffer.alloc(size, 'x') })
    t.match(refused.json(), { statusCode: 413, code: 'ERR_PLIMSOLL_BODY_TOO_LARGE' }, `${size} bytes`)
    await server.leavesNothing(t)
  }
})

t.test('a body that arrived while it waited is bounded too', async t => {
  const server = await governedApp(t, {
    routes: app => app.post('/', { bodyLimit: KiB }, async request => (request.body as string).length),
  })
  const headers = { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' }
  for (const [size, status] of [
    [KiB, 200],
    [KiB + 1, 413],
    [2 * MiB, 413],
  ] as const) {
    const taken = server.governor.budget.tryAcquire('1MiB')
    const sent = send(server.port, '/', { headers, body: Buffer.alloc(size, 'x') })
    while (server.governor.stats().waiting === 0) await turn()
    for (let i = 0; i < 50; i++) await turn()
    taken?.release()
    t.equal((await sent).status, status, `${size} bytes`)
    await server.leavesNothing(t)
  }
})

t.test('a preParsing hook that decompresses leaves the bound on what arrives', async t => {
  const server = await governedApp(t, {
    server: { bodyLimit: MiB },
    options: { budget: '4MiB', maxBody: '8KiB' },
    routes: app => {
      app.post(
        '/',
        {
          preParsing: async (_request, _reply, payload) => {
            const chunks: Buffer[] = []
            for await (const chunk of payload) chunks.push(chunk as Buffer)
            const text = gunzipSync(Buffer.concat(chunks))
            const { Readable } = await import('node:stream')
            return Object.assign(Readable.from([text]), {
              receivedEncodedLength: Buffer.concat(chunks).length,
            })
          },
        },
        async request => (request.body as string).length,
      )
    },
  })
  const gzip = async (text: Buffer) => {
    const stream = createGzip()
    stream.end(text)
    const chunks: Buffer[] = []
    for await (const chunk of stream) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks)
  }
  const headers = { 'content-type': 'text/plain', 'content-encoding': 'gzip' }
  const small = await gzip(Buffer.alloc(100 * KiB, 'x'))
  t.ok(small.length < 8 * KiB)
  // What it becomes is not bounded by maxBody: only what arrives is counted.
  t.equal((await send(server.port, '/', { headers, body: small })).body.toString(), String(100 * KiB))
  const large = await send(server.port, '/', { headers, body: Buffer.alloc(9 * KiB) })
  t.equal(large.status, 413)
  await server.leavesNothing(t)
})

t.test('bytes of more than one chunk are paid in as they arrive', async t => {
  const paid: number[] = []
  const server = await governedApp(t, {
    routes: app => {
      app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload))
      app.post('/', async request => {
        for await (const _chunk of request.raw) paid.push(app.plimsoll.stats().paidIn)
        return paid.length
      })
    },
  })
  const headers = { 'content-type': 'application/octet-stream' }
  await send(server.port, '/', { headers, body: Buffer.alloc(500 * KiB) })
  t.equal(paid.at(-1), 500 * KiB)
  t.ok(paid.length > 1)
  t.strictSame(
    paid,
    [...paid].sort((a, b) => a - b),
  )
  await server.leavesNothing(t)
})
