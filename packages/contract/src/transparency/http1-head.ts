import fc from 'fast-check'
import { mostly } from './mostly.ts'

export type HeaderLine = readonly [name: string, value: string]

/** A request's head, without what frames and describes its body. */
export interface GeneratedHead {
  readonly method: string
  readonly target: string
  readonly version: string
  readonly headers: readonly HeaderLine[]
  /** Before the request line. */
  readonly before: string
  readonly lineEnd: string
}

const method = fc.oneof(
  { weight: 60, arbitrary: fc.constant('POST') },
  { weight: 20, arbitrary: fc.constantFrom('PUT', 'GET', 'HEAD') },
  { weight: 3, arbitrary: fc.constantFrom('OPTIONS', 'DELETE', 'PATCH', 'TRACE', 'PURGE', 'M-SEARCH') },
  { weight: 1, arbitrary: fc.constantFrom('BREW', 'get', 'P@ST', '') },
)

const targetOf = (paths: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 40, arbitrary: fc.constantFrom(...paths) },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        '/nowhere',
        '/',
        '/seen/',
        '//seen',
        '/seen%2f',
        '/%zz',
        '/seen#a',
        '/SEEN',
        '/seen?',
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom('http://other/seen', '*', 'seen', '/\xe9', `/${'long'.repeat(5000)}`),
    },
  )

const version = fc.oneof(
  { weight: 40, arbitrary: fc.constant('HTTP/1.1') },
  { weight: 4, arbitrary: fc.constant('HTTP/1.0') },
  { weight: 1, arbitrary: fc.constantFrom('HTTP/1.2', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1', 'HTP/1.1', '') },
)

const HOST: HeaderLine = ['Host', 'localhost']

const host = mostly<readonly HeaderLine[]>(
  [[HOST]],
  [[], [HOST, ['host', 'other']], [['Host', '']], [['Host', 'a b']]],
)

const connection = mostly<readonly HeaderLine[]>(
  [[], [], [], [['Connection', 'keep-alive']], [['connection', 'close']]],
  [
    [
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
      ['Sec-WebSocket-Version', '13'],
      ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
    ],
    [
      ['Connection', 'upgrade, HTTP2-Settings'],
      ['Upgrade', 'h2c'],
      ['HTTP2-Settings', 'AAMAAABkAAQAAP__'],
    ],
    [['Upgrade', 'own']],
    [['Connection', 'Keep-Alive, Close']],
    [
      ['Connection', 'keep-alive'],
      ['Connection', 'close'],
    ],
    [
      ['Keep-Alive', 'timeout=1'],
      ['Proxy-Connection', 'close'],
    ],
  ],
  12,
)

const expectation = mostly<readonly HeaderLine[]>(
  [[], [], [], [], [['Expect', '100-continue']]],
  [
    [['Expect', '100-Continue']],
    [['expect', 'the-unknown']],
    [['Expect', '']],
    [['Expect', '100-continue, x']],
  ],
)

const LARGE: HeaderLine = ['X-Large', 'x'.repeat(20_000)]

const extra = fc.array(
  fc.oneof(
    {
      weight: 40,
      arbitrary: fc.constantFrom<HeaderLine>(
        ['Accept', 'application/json'],
        ['Accept', 'text/html'],
        ['X-Empty', ''],
        ['Cookie', 'a=1; b=2'],
        ['cookie', 'c=3'],
        ['X-Same', 'one'],
        ['x-same', 'two'],
        ['TE', 'trailers'],
        ['If-None-Match', '*'],
        ['Accept-Encoding', 'gzip'],
        ['Origin', 'http://a'],
        ['X-Latin', '\xe9\xff'],
        ['X-Spaces', '  a  b  '],
        ['Range', 'bytes=0-3'],
        ['X-HTTP-Method-Override', 'PUT'],
        ['X-Forwarded-Host', 'b'],
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom<HeaderLine>(
        LARGE,
        ['X Space', 'a'],
        ['X-Fold', 'a\r\n b'],
        ['X-Nul', 'a\0b'],
        ['X-Return', 'a\rb'],
        ['', 'nameless'],
        ['X(a)', 'b'],
        [' X-Indent', 'a'],
      ),
    },
  ),
  { maxLength: 3 },
)

/** @param paths what the server has routes for */
export function generatedHead(paths: readonly string[]): fc.Arbitrary<GeneratedHead> {
  return fc
    .record({
      method,
      target: targetOf(paths),
      version,
      host,
      connection,
      expectation,
      extra,
      before: mostly([''], ['\r\n', '\r\n\r\n', ' ', '\0', 'garbage\r\n\r\n'], 60),
      lineEnd: mostly(['\r\n'], ['\n', '\r'], 60),
    })
    .map(({ host, connection, expectation, extra, ...head }) => ({
      ...head,
      headers: [...host, ...connection, ...expectation, ...extra],
    }))
}
