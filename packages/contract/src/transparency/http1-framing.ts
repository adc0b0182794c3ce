import fc from 'fast-check'
import type { HeaderLine } from './http1-head.ts'
import { mostly } from './mostly.ts'

/** How a body goes over the wire: the header lines that say so, and its bytes as they are sent. */
export interface Framed {
  readonly headers: readonly HeaderLine[]
  readonly wire: Buffer
  /** What it is, for a reader of a counterexample. */
  readonly says: string
}

/** Frames a body of any content. */
export type Framing = (body: Buffer) => Framed

const exact: Framing = body => ({
  headers: [['Content-Length', String(body.length)]],
  wire: body,
  says: 'length',
})

/** The rest of the body is the next request, by its length. */
const tooLong: Framing = body => {
  const length = Math.floor(body.length / 2)
  return {
    headers: [['Content-Length', String(length)]],
    wire: body,
    says: `length ${length} of ${body.length}`,
  }
}

function tooShort(missing: number): Framing {
  return body => ({
    headers: [['Content-Length', String(body.length + missing)]],
    wire: body,
    says: `length ${body.length + missing} of ${body.length}`,
  })
}

/** One that no double can hold; Node takes it for one. */
export const UNSAFE_LENGTH = '9007199254740993'

const BAD_LENGTHS = ['+5', '-1', '5, 5', 'five', '', ' 5', '0x5', '1e3', '5.0', '05', UNSAFE_LENGTH]

function odd(headers: readonly HeaderLine[]): Framing {
  return body => ({ headers, wire: body, says: headers.map(line => line.join(': ')).join(', ') })
}

const length5 = (length: string): HeaderLine => ['Content-Length', length]
const coding = (name: string): HeaderLine => ['Transfer-Encoding', name]

const oddFraming = fc.oneof(
  fc.constantFrom(...BAD_LENGTHS).map(length => odd([length5(length)])),
  fc.constantFrom('identity', 'gzip', 'chunked, gzip', 'x', '').map(name => odd([coding(name)])),
  fc.constant(odd([length5('5'), length5('5')])),
  fc.constant(odd([length5('5'), length5('6')])),
  // A length that says how much is there, of a body in chunks.
  fc.constant<Framing>(body => ({
    headers: [length5(String(body.length)), coding('chunked')],
    wire: inChunks(body, PLAIN),
    says: 'length and chunks',
  })),
)

interface Chunking {
  readonly sizes: readonly number[]
  readonly extension: string
  readonly hex: (size: number) => string
  readonly trailers: string
  readonly name: string
  /** What comes in place of the last chunk. */
  readonly end: string
}

const PLAIN: Chunking = {
  sizes: [1000],
  extension: '',
  hex: size => size.toString(16),
  trailers: '',
  name: 'chunked',
  end: '0',
}

function inChunks(body: Buffer, { sizes, extension, hex, trailers, end }: Chunking): Buffer {
  const parts: Buffer[] = []
  let at = 0
  for (let index = 0; at < body.length; index++) {
    const size = Math.min(sizes[index % sizes.length] as number, body.length - at)
    parts.push(Buffer.from(`${hex(size)}${extension}\r\n`), body.subarray(at, at + size), Buffer.from('\r\n'))
    at += size
  }
  return Buffer.concat([...parts, Buffer.from(end === '0' ? `0${extension}\r\n${trailers}\r\n` : end)])
}

const chunked = fc
  .record<Chunking>({
    sizes: fc.array(
      fc.oneof(fc.integer({ min: 50, max: 5000 }), fc.integer({ min: 5000, max: 100_000 }), fc.constant(61)),
      { minLength: 1, maxLength: 4 },
    ),
    extension: mostly(['', '', '', ';a', ';name=value', ';quoted="a b"'], [' ']),
    hex: fc.constantFrom(
      PLAIN.hex,
      PLAIN.hex,
      size => size.toString(16).toUpperCase(),
      size => `00${size.toString(16)}`,
    ),
    trailers: mostly(
      ['', '', 'X-Trailer: one\r\n', 'X-Trailer: one\r\nx-trailer: two\r\nEmpty:\r\n'],
      ['no colon\r\n'],
    ),
    name: mostly(['chunked', 'chunked', 'Chunked'], ['gzip, chunked', 'chunked, chunked']),
    end: mostly(['0'], ['', 'zz\r\n', '5\r\nab']),
  })
  .map<Framing>(chunking => body => ({
    headers: [coding(chunking.name)],
    wire: inChunks(body, chunking),
    says: `${chunking.name} by ${chunking.sizes}, ends with ${JSON.stringify(chunking.end + chunking.trailers)}`,
  }))

export const generatedFraming: fc.Arbitrary<Framing> = fc.oneof(
  { weight: 20, arbitrary: fc.constant(exact) },
  { weight: 15, arbitrary: chunked },
  { weight: 1, arbitrary: fc.constant(tooLong) },
  { weight: 1, arbitrary: fc.constantFrom(1, 1000, 100_000, 3_000_000).map(tooShort) },
  { weight: 2, arbitrary: oddFraming },
)
