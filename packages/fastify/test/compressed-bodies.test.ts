import { PassThrough, type Readable } from 'node:stream'
import { createGunzip, gzipSync } from 'node:zlib'
import compress from '@fastify/compress'
import { CODINGS } from '@plimsoll/contract'
import type { FastifyInstance, RequestPayload } from 'fastify'
import t from 'tap'
import { send } from './fixtures/client.ts'
import { governedApp, KiB, MiB } from './fixtures/governed-app.ts'

/** How users have their bodies inflated. */
const DECOMPRESSORS: Record<string, (app: FastifyInstance) => unknown> = {
  '@fastify/compress': app => app.register(compress, { global: true }),
  'a preParsing hook that pipes': app => inflate(app, payload => payload.pipe(createGunzip())),
  'a preParsing hook that pipes by way of another stream': app =>
    inflate(app, payload => payload.pipe(new PassThrough()).pipe(createGunzip())),
}

function inflate(app: FastifyInstance, through: (payload: RequestPayload) => Readable): void {
  app.addHook('preParsing', async ({ headers }, _reply, payload) =>
    headers['content-encoding'] === undefined ? payload : tell(payload, through(payload)),
  )
}

/** Tells Fastify how much has arrived, which it compares with the length. */
function tell<T extends Readable>(
  payload: RequestPayload,
  inflated: T,
): T & { receivedEncodedLength: number } {
  const told = Object.assign(inflated, { receivedEncodedLength: 0 })
  payload.on('data', (chunk: Buffer) => {
    told.receivedEncodedLength += chunk.length
  })
  return told
}

const answerLength = (app: FastifyInstance): unknown =>
  app.post('/', async request => ({
    length: (request.body as string).length,
    bytes: request.plimsoll.bytes,
  }))

const headers = { 'content-type': 'text/plain' }

for (const [how, declare] of Object.entries(DECOMPRESSORS)) {
  t.test(`what ${how} makes of a body is what it costs, and is bounded`, async t => {
    const server = await governedApp(t, {
      server: { bodyLimit: 64 * MiB },
      options: { budget: '1MiB' },
      routes: async app => {
        await declare(app)
        answerLength(app)
      },
    })
    const known = how === '@fastify/compress' ? CODINGS : CODINGS.slice(0, 1)
    for (const { name, encode } of known) {
      const coded = { ...headers, 'content-encoding': name }
      const small = await send(server.port, '/', {
        headers: coded,
        body: encode(Buffer.alloc(300 * KiB, 'x')),
      })
      // What it does not know it refuses by itself.
      if (small.status === 415) continue
      t.match(small.json(), { length: 300 * KiB, bytes: 300 * KiB }, name)
      await server.leavesNothing(t)
      const body = encode(Buffer.alloc(32 * MiB, 'x'))
      for (const framing of [{}, { 'transfer-encoding': 'chunked' }]) {
        const refused = await send(server.port, '/', { headers: { ...coded, ...framing }, body })
        t.match(refused.json(), { statusCode: 413, code: 'ERR_PLIMSOLL_BODY_OVER_BUDGET' }, name)
        await server.leavesNothing(t)
      }
    }
  })
}

t.test('a route that accepts no encoded body answers with 415', async t => {
  const server = await governedApp(t, {
    routes: app => {
      app.post('/', { config: { plimsoll: { acceptEncoded: false } } }, async () => 'served')
    },
  })
  const refused = await send(server.port, '/', {
    headers: { ...headers, 'content-encoding': 'gzip' },
    body: gzipSync('x'),
  })
  t.match(refused.json(), { statusCode: 415, code: 'ERR_PLIMSOLL_ENCODING' })
  t.equal((await send(server.port, '/', { headers, body: Buffer.from('x') })).status, 200)
  await server.leavesNothing(t)
})
