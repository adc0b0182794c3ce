import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { CLOSE_DELIMITER, MULTIPART, multipart } from '../multipart.ts'

/** A body as it goes over the wire, and what its head says that it is. */
export interface GeneratedBody {
  readonly type: string | undefined
  readonly encoding: string | undefined
  readonly bytes: Buffer
}

/** Around the sizes of socket reads and high-water marks, and past the limits of parsers (56 and 100 KiB). */
const size = fc.oneof(
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 20 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 3000 }) },
  { weight: 1, arbitrary: fc.constantFrom(16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 102_400, 102_401) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 200 * 1024 }) },
)

const padding = size.map(bytes => 'plimsoll'.repeat(Math.ceil(bytes / 8)).slice(0, bytes))

interface Content {
  readonly type: string | undefined
  readonly text: string
}

const json = fc.oneof(
  { weight: 3, arbitrary: padding.map(text => JSON.stringify({ text, list: [1, null, 'two'] })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      '{"a":',
      '7',
      '"text"',
      ' {"a":1} ',
      '[{"a":"b"}]',
      '{"__proto__":{"a":1}}',
    ),
  },
)

const form = fc.oneof(
  { weight: 3, arbitrary: padding.map(text => `text=${text}&a[b]=c&list=1&list=2&%C3%A9=%E2%82%AC`) },
  { weight: 1, arbitrary: fc.constantFrom('', '=', '&&', 'a=%', 'a=%ff', 'a=1&'.repeat(1001)) },
)

/** Whole, without an end, and broken off in its last delimiter. */
const formData = fc
  .tuple(padding, fc.constantFrom(CLOSE_DELIMITER, '', CLOSE_DELIMITER.slice(0, -4)))
  .map(([text, end]) => multipart(text, end))

function typed(types: readonly (string | undefined)[], text: fc.Arbitrary<string>): fc.Arbitrary<Content> {
  return fc.record({ type: fc.constantFrom(...types), text })
}

const JSON_TYPES = [
  'application/json',
  'application/json',
  'application/json; charset=utf-8',
  'application/json; charset=utf-7',
  'APPLICATION/JSON;charset=UTF-8',
  'application/vnd.api+json',
]
const TEXT_TYPES = ['text/plain', 'text/plain; charset=latin1', 'text/plain; charset=', 'text/html', 'text']
const OTHER_TYPES = [
  undefined,
  'application/octet-stream',
  'application/octet-stream',
  'a/b/c',
  ';;',
  '',
  '*/*',
]

const content = fc.oneof(
  { weight: 3, arbitrary: typed(JSON_TYPES, json) },
  { weight: 2, arbitrary: typed(['application/x-www-form-urlencoded'], form) },
  { weight: 2, arbitrary: typed(TEXT_TYPES, padding) },
  {
    weight: 2,
    arbitrary: typed([MULTIPART, 'multipart/form-data'], formData),
  },
  { weight: 3, arbitrary: typed(OTHER_TYPES, padding) },
)

const ENCODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: bytes => gzipSync(bytes),
  deflate: bytes => deflateSync(bytes),
  br: bytes => brotliCompressSync(bytes),
  'GZIP, identity': bytes => bytes,
  identity: bytes => bytes,
  unknown: bytes => bytes,
}

/** Left as it is, encoded as its head says, or not at all what its head says. */
const encoding = fc.oneof(
  { weight: 6, arbitrary: fc.constant(undefined) },
  {
    weight: 2,
    arbitrary: fc.record({ name: fc.constantFrom(...Object.keys(ENCODERS)), honest: fc.constant(true) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ name: fc.constantFrom('gzip', 'deflate'), honest: fc.constant(false) }),
  },
)

export const generatedBody: fc.Arbitrary<GeneratedBody> = fc
  .tuple(content, encoding)
  .map(([{ type, text }, encoding]) => {
    const plain = Buffer.from(text)
    const bytes = encoding?.honest ? (ENCODERS[encoding.name]?.(plain) ?? plain) : plain
    return { type, encoding: encoding?.name, bytes }
  })
