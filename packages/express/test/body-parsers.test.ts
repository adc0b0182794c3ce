import { gzipSync } from 'node:zlib'
import { BareClient, chunk, head, type Reply, type Served, send, until } from '@plimsoll/contract'
import { inBoth } from './fixtures/express-versions.ts'
import type { Parser } from './fixtures/parsers.ts'
import { type ParsingApp, parsingApp } from './fixtures/parsing-app.ts'

const KiB = 1024
const MiB = 1024 * KiB

/** What no parser is to change: quotes, line ends, boundaries, more than one byte a letter. */
const PAYLOAD = 'a "quoted" line\r\n--not a boundary\r\nÄ €\n'.repeat(10_000)

function post(
  { port }: ParsingApp,
  { path, type }: Parser,
  body: Buffer | string,
  headers = {},
): Promise<Reply> {
  return send(port, path, { body, headers: { 'content-type': type, ...headers } })
}

inBoth('a body arrives whole, with a length and without', async (t, express) => {
  const server = await parsingApp(t, express, { budget: '4MiB' })
  for (const parser of server.parsers) {
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
      const { status, text } = await post(server, parser, parser.wrap(PAYLOAD), headers)
      t.equal(status, 200, parser.name)
      t.ok(text === PAYLOAD, 'the payload is what was sent')
    }
  }
  t.strictSame(server.refused, [])
})

inBoth(
  'a body without a length is refused where it passes its limit, and not read on',
  async (t, express) => {
    const server = await parsingApp(t, express, { budget: '1MiB', maxBody: '256KiB' })
    for (const [index, parser] of server.parsers.entries()) {
      const client = await BareClient.to(server.port)
      client.write(
        head(`POST ${parser.path}`, { 'content-type': parser.type, 'transfer-encoding': 'chunked' }),
      )
      client.write(chunk(Buffer.from(parser.wrap('x'.repeat(100)).slice(0, -60))))
      client.writeEndlessly(chunk(Buffer.alloc(64 * KiB, 'x')))
      // By the application's error handler: the parser itself was told, and passed it on.
      await client.reads(/^HTTP\/1\.1 413 [\s\S]+\{"handled":"ERR_PLIMSOLL_BODY_TOO_LARGE"\}/)
      t.match(client.received, /\r\nconnection: close\r\n/i, parser.name)
      const { bytesRead } = server.refused[index] as Served['refused'][number]
      t.ok(bytesRead > 256 * KiB && bytesRead < 256 * KiB + 128 * KiB, `${bytesRead} bytes read`)
      // While the client is still sending.
      await server.idle()
      client.destroy()
      await until(
        () => server.files() === 0,
        () => `the end of ${server.files()} files`,
      )
    }
    t.equal(server.errors.length, server.parsers.length)
  },
)

inBoth('a compressed body is bounded as it arrives', async (t, express) => {
  const server = await parsingApp(t, express, { budget: '1MiB', maxBody: '1KiB' })
  const noise = Array.from({ length: 10_000 }, () => Math.random()).join()
  for (const parser of server.parsers.slice(0, 3)) {
    const headers = { 'content-encoding': 'gzip', 'transfer-encoding': 'chunked' }
    const small = await post(server, parser, gzipSync(parser.wrap('small')), headers)
    t.match(small, { status: 200, text: 'small' }, parser.name)
    // Nobody has told the parser, which reads from what inflates it: so we answer.
    const large = await post(server, parser, gzipSync(parser.wrap(noise)), headers)
    t.match(large, { status: 413, text: '"code":"ERR_PLIMSOLL_BODY_TOO_LARGE"' })
    await server.idle()
  }
})

inBoth('a body declared over the budget never meets its parser', async (t, express) => {
  const server = await parsingApp(t, express, { budget: '1MiB' })
  for (const parser of server.parsers) {
    const { status, headers, text } = await post(server, parser, Buffer.alloc(2 * MiB, 'x'))
    t.match(JSON.parse(text), { statusCode: 413, code: 'ERR_PLIMSOLL_BODY_OVER_BUDGET' }, parser.name)
    t.match([status, headers.connection, headers['retry-after']], [413, 'close', undefined])
  }
  t.strictSame(server.called, [])
  t.strictSame(server.errors, [])
  for (const { bytesRead } of server.refused) t.ok(bytesRead <= 64 * KiB, `${bytesRead} bytes read`)
})

inBoth('a body that finds no room never meets its parser', async (t, express) => {
  const server = await parsingApp(t, express, { budget: '1MiB', queue: { limit: 0 } })
  const taken = server.governor.budget.tryAcquire('1MiB')
  for (const parser of server.parsers) {
    const { status, headers } = await post(server, parser, parser.wrap('x'))
    t.equal(status, 503, parser.name)
    t.match(headers['retry-after'], /^\d+$/)
  }
  t.strictSame(server.called, [])
  taken?.release()
})

inBoth('a client that leaves in the middle of its body leaves nothing behind', async (t, express) => {
  const server = await parsingApp(t, express, { budget: '1MiB' })
  for (const parser of server.parsers) {
    for (const framing of [{ 'content-length': 512 * KiB }, { 'transfer-encoding': 'chunked' }]) {
      const client = await BareClient.to(server.port)
      client.write(head(`POST ${parser.path}`, { 'content-type': parser.type, ...framing }))
      const piece = Buffer.from(parser.wrap('x'.repeat(100 * KiB)).slice(0, 90 * KiB))
      client.write('transfer-encoding' in framing ? chunk(piece) : piece)
      await until(
        () => server.governor.stats().paidIn === piece.length,
        () => `${piece.length} bytes to arrive, there are ${server.governor.stats().paidIn}`,
      )
      client.destroy()
      await server.idle()
      await until(
        () => server.files() === 0,
        () => `the end of ${server.files()} files`,
      )
    }
  }
  t.strictSame(server.refused, [])
})
