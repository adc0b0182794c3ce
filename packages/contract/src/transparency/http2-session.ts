import type { OutgoingHttpHeaders } from 'node:http2'
import fc from 'fast-check'
import { type GeneratedBody, generatedBody } from './generated-body.ts'
import { mostly } from './mostly.ts'
import type { Session } from './session.ts'

/** What a client does on one connection of HTTP/2: all streams are opened at once, or one after the other. */
export interface Http2Session extends Session {
  readonly streams: readonly GeneratedStream[]
  readonly atOnce: boolean
}

export interface GeneratedStream {
  readonly headers: OutgoingHttpHeaders
  readonly body: Buffer
  /** Where the body is cut in two, as a share of it, and for how many turns it rests there. */
  readonly cuts: readonly { readonly at: number; readonly turns: number }[]
  readonly trailers: boolean
  /** Is reset when so many parts of it have been sent. */
  readonly resetAfter: number | undefined
}

const method = fc.oneof(
  { weight: 6, arbitrary: fc.constant('POST') },
  { weight: 3, arbitrary: fc.constantFrom('PUT', 'GET', 'HEAD') },
  { weight: 1, arbitrary: fc.constantFrom('OPTIONS', 'DELETE', 'TRACE', 'BREW') },
)

/** Of a body of this length. */
const length = mostly<(bytes: number) => OutgoingHttpHeaders>(
  [() => ({}), bytes => ({ 'content-length': bytes })],
  [
    bytes => ({ 'content-length': bytes + 1 }),
    bytes => ({ 'content-length': Math.max(0, bytes - 1) }),
    () => ({ 'content-length': 3_000_000 }),
  ],
  12,
)

const extra = mostly<OutgoingHttpHeaders>(
  [
    {},
    {},
    { accept: 'text/html' },
    { cookie: ['a=1', 'b=2'] },
    { expect: '100-continue' },
    { te: 'trailers' },
  ],
  [{ expect: 'the-unknown' }, { 'x-large': 'x'.repeat(20_000) }, { 'x-empty': '' }, { host: 'other' }],
)

function generatedStream(
  paths: readonly string[],
): fc.Arbitrary<Omit<GeneratedStream, 'headers'> & { headers(number: number): OutgoingHttpHeaders }> {
  return fc
    .record({
      method,
      path: mostly(paths, ['/nowhere', '/%zz', '*', '/SEEN?a=1']),
      length,
      extra,
      body: fc.option(generatedBody, { nil: undefined, freq: 5 }),
      cuts: fc.array(
        fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), turns: fc.constantFrom(0, 1, 3, 10) }),
        { maxLength: 3 },
      ),
      trailers: mostly([false], [true], 5),
      resetAfter: mostly<number | undefined>([undefined], [0, 1, 2], 8),
    })
    .map(({ method, path, length, extra, body, cuts, ...rest }) => ({
      headers: (number: number) => ({
        ':method': method,
        ':path': path,
        ':authority': 'localhost',
        ...extra,
        ...(body && about(body)),
        ...(body && length(body.bytes.length)),
        'x-number': number,
      }),
      body: body?.bytes ?? Buffer.alloc(0),
      cuts: cuts.toSorted((one, other) => one.at - other.at),
      ...rest,
    }))
}

function about({ type, encoding }: GeneratedBody): OutgoingHttpHeaders {
  return {
    ...(type !== undefined && { 'content-type': type }),
    ...(encoding !== undefined && { 'content-encoding': encoding }),
  }
}

export function http2Session(paths: readonly string[]): fc.Arbitrary<Http2Session> {
  return fc
    .record({
      streams: fc.array(generatedStream(paths), { minLength: 1, maxLength: 5 }),
      atOnce: fc.boolean(),
    })
    .map(({ streams, atOnce }) => ({
      streams: streams.map((stream, number) => ({ ...stream, headers: stream.headers(number) })),
      atOnce,
      requests: streams.length,
      pipelined: [],
      says: streams.map(
        ({ headers, body, cuts, trailers, resetAfter }, number) =>
          `${JSON.stringify(headers(number)).replace(/x{100,}/, 'x…')} ${JSON.stringify({ bytes: body.length, cuts, trailers, resetAfter })}`,
      ),
    }))
}
