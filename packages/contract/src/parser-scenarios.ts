import { gzipSync } from 'node:zlib'
import { type GovernorOptions, isPlimsollError } from '@plimsoll/core'
import type { Test } from 'tap'
import { BareClient, chunk, head } from './bare-client.ts'
import { CODINGS } from './codings.ts'
import { type Reply, send } from './http-client.ts'
import type { Served } from './serve.ts'
import { until } from './until.ts'

/** A body parser as people mount it, its own limit out of the way. */
export interface BodyParser {
  readonly name: string
  /** Of its route, which answers with the payload. */
  readonly path: string
  readonly type: string
  /** Whether it reads compressed bodies. */
  readonly inflates: boolean
  /** A whole body with this payload. */
  wrap(payload: string): string
}

export interface ParsingServer extends Served {
  readonly parsers: readonly BodyParser[]
  /** Parsers that have been called. */
  readonly called: readonly string[]
  /** How many files parsers have on their disk. */
  files(): number
  /** Refused bodies that the application itself has answered, since their parser had passed it on. */
  readonly passedOn: readonly unknown[]
}

const KiB = 1024
const MiB = 1024 * KiB

/** What no parser is to change: quotes, line ends, boundaries, more than one byte a letter. */
const PAYLOAD = 'a "quoted" line\r\n--not a boundary\r\nÄ €\n'.repeat(10_000)

const CHUNKED = { 'transfer-encoding': 'chunked' }

/** What body parsers of all frameworks have in common behind a governor. */
export function parserScenarios(
  t: Test,
  start: (t: Test, options: GovernorOptions) => Promise<ParsingServer>,
): void {
  t.test('a body arrives whole, with a length and without', async t => {
    const server = await start(t, { budget: '4MiB' })
    for (const parser of server.parsers) {
      for (const headers of [{}, CHUNKED]) {
        const { status, text } = await post(server, parser, parser.wrap(PAYLOAD), headers)
        t.equal(status, 200, parser.name)
        t.ok(text === PAYLOAD, 'the payload is what was sent')
      }
    }
    t.strictSame(server.refused, [])
  })

  t.test('a body without a length is refused where it passes its limit, and not read on', async t => {
    const server = await start(t, { budget: '1MiB', maxBody: '256KiB' })
    for (const [index, parser] of server.parsers.entries()) {
      const client = await BareClient.to(server.port)
      client.write(head(`POST ${parser.path}`, { 'content-type': parser.type, ...CHUNKED }))
      client.write(chunk(Buffer.from(parser.wrap('x'.repeat(100)).slice(0, -60))))
      client.writeEndlessly(chunk(Buffer.alloc(64 * KiB, 'x')))
      await client.reads(/^HTTP\/1\.1 413 [\s\S]+"ERR_PLIMSOLL_BODY_TOO_LARGE"/)
      t.equal(server.passedOn.length, index + 1, `${parser.name} was told at once, and has passed it on`)
      t.match(client.received, /\r\nconnection: close\r\n/i)
      const bytesRead = server.refused[index]?.bytesRead ?? 0
      t.ok(bytesRead > 256 * KiB && bytesRead < 256 * KiB + 128 * KiB, `${bytesRead} bytes read`)
      // While the client is still sending.
      await server.idle()
      client.leave()
      await noFiles(server)
    }
  })

  t.test('a compressed body is bounded as it arrives', async t => {
    const server = await start(t, { budget: '1MiB', maxBody: '1KiB' })
    const noise = Array.from({ length: 10_000 }, () => Math.random()).join()
    for (const parser of server.parsers.filter(({ inflates }) => inflates)) {
      const headers = { 'content-encoding': 'gzip', ...CHUNKED }
      const small = await post(server, parser, gzipSync(parser.wrap('small')), headers)
      t.match(small, { status: 200, text: 'small' }, parser.name)
      const large = await post(server, parser, gzipSync(parser.wrap(noise)), headers)
      t.match(large, { status: 413, text: 'ERR_PLIMSOLL_BODY_TOO_LARGE' })
      await server.idle()
    }
    t.equal(server.passedOn.length, server.refused.length, 'who reads from what inflates it is told')
  })

  t.test('a compressed body is bounded as it is inflated, in all codings that its parser knows', async t => {
    const server = await start(t, { budget: '1MiB' })
    const bomb = 'x'.repeat(32 * MiB)
    for (const parser of server.parsers.filter(({ inflates }) => inflates)) {
      for (const { name, encode } of CODINGS) {
        const small = await post(server, parser, encode(Buffer.from(parser.wrap('small'))), {
          'content-encoding': name,
        })
        // What it does not know it refuses by itself.
        if (small.status === 415) continue
        t.match(small, { status: 200, text: 'small' }, `${parser.name}, ${name}`)
        const body = encode(Buffer.from(parser.wrap(bomb)))
        for (const framing of [{}, CHUNKED]) {
          const { status, text } = await post(server, parser, body, { 'content-encoding': name, ...framing })
          t.match({ status, text }, { status: 413, text: 'ERR_PLIMSOLL_BODY_OVER_BUDGET' })
          await server.idle()
        }
      }
    }
    t.ok(server.refused.length > 0)
    // Beside them, parsers refuse codings that they don't know.
    const told = server.passedOn.filter(isPlimsollError)
    t.equal(told.length, server.refused.length, 'every parser has heard of it')
  })

  t.test('a body declared over the budget never meets its parser', async t => {
    const server = await start(t, { budget: '1MiB' })
    for (const parser of server.parsers) {
      const { status, headers, json } = await post(server, parser, Buffer.alloc(2 * MiB, 'x'))
      t.match(json(), { statusCode: 413, code: 'ERR_PLIMSOLL_BODY_OVER_BUDGET' }, parser.name)
      t.match([status, headers.connection, headers['retry-after']], [413, 'close', undefined])
    }
    t.strictSame([server.called, server.passedOn], [[], []])
    for (const { bytesRead } of server.refused) t.ok(bytesRead <= 64 * KiB, `${bytesRead} bytes read`)
  })

  t.test('a body that finds no room never meets its parser', async t => {
    const server = await start(t, { budget: '1MiB', queue: { limit: 0 } })
    const taken = server.governor.budget.tryAcquire('1MiB')
    for (const parser of server.parsers) {
      const { status, headers } = await post(server, parser, parser.wrap('x'))
      t.equal(status, 503, parser.name)
      t.match(headers['retry-after'], /^\d+$/)
    }
    t.strictSame(server.called, [])
    taken?.release()
  })

  t.test('a client that leaves in the middle of its body leaves nothing behind', async t => {
    const server = await start(t, { budget: '1MiB' })
    for (const parser of server.parsers) {
      for (const framing of [{ 'content-length': 512 * KiB }, CHUNKED]) {
        const client = await BareClient.to(server.port)
        client.write(head(`POST ${parser.path}`, { 'content-type': parser.type, ...framing }))
        const piece = Buffer.from(parser.wrap('x'.repeat(100 * KiB)).slice(0, 90 * KiB))
        client.write('transfer-encoding' in framing ? chunk(piece) : piece)
        await until(
          () => server.governor.stats().paidIn === piece.length,
          () => `${piece.length} bytes to arrive, there are ${server.governor.stats().paidIn}`,
        )
        client.leave()
        await server.idle()
        await noFiles(server)
      }
    }
    t.strictSame(server.refused, [])
  })
}

function post(
  { port }: ParsingServer,
  { path, type }: BodyParser,
  body: Buffer | string,
  headers = {},
): Promise<Reply> {
  return send(port, path, { body, headers: { 'content-type': type, ...headers } })
}

async function noFiles(server: ParsingServer): Promise<void> {
  await until(
    () => server.files() === 0,
    () => `the end of ${server.files()} files`,
  )
}
