import { Content } from '../flood/load/content.ts'
import { formAround } from '../flood/load/form.ts'
import { Random } from '../soak/random.ts'

/** A body to be sent, in pieces, so that it is never whole in the client. */
export interface Body {
  readonly contentType: string
  /** All of it, boundaries too: what its Content-Length says. */
  readonly bytes: number
  pieces(): Iterable<Buffer>
}

export type MakeBody = (bytes: number) => Body

const BLOCK_BYTES = 256 * 1024
/** Parsers refuse more than a thousand. */
const FORM_FIELDS = 500
const people = [
  'Ada Lovelace',
  'Grace Hopper',
  'Barbara Liskov',
  'Łucja Nowak',
  'Annie Easley',
  'Radia Perlman',
]
const words =
  'the ship may be loaded to this mark and no deeper whatever her owner says “as deep as she goes” – her crew knows better'.split(
    ' ',
  )
const random = new Random(1)

/** Bytes without a meaning: an image, an archive. */
export const bytesOf: MakeBody = bytes => ({
  contentType: 'application/octet-stream',
  bytes,
  pieces: () => new Content(0, bytes).slices(),
})

/** A form with one file, as browsers send it. */
export const multipart: MakeBody = bytes => {
  const { headers, before, after } = formAround('file', 'file.bin', 'application/octet-stream')
  const content = new Content(0, bytes - before.length - after.length)
  return {
    contentType: headers['content-type'],
    bytes,
    *pieces() {
      yield before
      yield* content.slices()
      yield after
    },
  }
}

/** What an API is sent: a list of records of a few short fields. */
export const json = repeated('application/json', '[', record, ',', ']')

/** What a client with bad intent sends: of all short values an empty object takes the most memory. */
export const hostileJson = repeated('application/json', '[', () => '{}', ',', ']')

/** English with its quotation marks and dashes, of which a single one makes V8 keep two bytes for each character. */
export const prose = repeated('text/plain; charset=utf-8', '', sentence, ' ', '\n')

/** Fields of prose, up to a few hundred. */
export const form: MakeBody = bytes => {
  const fields = Math.min(FORM_FIELDS, Math.max(1, Math.floor(bytes / 1_024)))
  const valueBytes = Math.floor(bytes / fields) - FIELD.length
  return {
    contentType: 'application/x-www-form-urlencoded',
    bytes,
    *pieces() {
      for (let field = 0; field < fields; field++) {
        const value = encoded(valueBytes).pieces()
        yield Buffer.concat([Buffer.from(FIELD.replace('###', String(100 + field))), ...value])
      }
      yield Buffer.alloc(bytes - fields * (FIELD.length + valueBytes), '+')
    },
  }
}
const FIELD = '&field###='
const encoded = repeated('', '', () => encodeURIComponent(sentence()).replaceAll('%20', '+'), '+', '')

/**
 * Text of exactly so many bytes: the same few hundred things over and over, then padding. V8 keeps equal strings once
 * only where they are short, so that this costs as much as if all were different.
 */
function repeated(
  contentType: string,
  open: string,
  thing: () => string,
  between: string,
  close: string,
): MakeBody {
  const things: string[] = []
  for (let length = 0; length < BLOCK_BYTES; length += things.at(-1)?.length ?? 0)
    things.push(thing() + between)
  const block = Buffer.from(things.join(''))
  // Behind the last one stands nothing.
  const largest = Math.max(...things.map(text => Buffer.byteLength(text)))
  const pad = between === '+' ? '+' : ' '
  return bytes => ({
    contentType,
    bytes,
    *pieces() {
      let left = bytes - open.length - close.length
      yield Buffer.from(open)
      for (; left >= block.length + largest; left -= block.length) yield block
      let rest = ''
      for (const text of things) {
        const length = Buffer.byteLength(text)
        if (length > left) break
        rest += text
        left -= length
      }
      const last = rest.slice(0, rest.length - between.length)
      yield Buffer.from(last + pad.repeat(left + rest.length - last.length) + close)
    },
  })
}

function record(): string {
  const name = random.oneOf(people)
  const id = random.magnitude(1_000, 10 ** 9)
  return JSON.stringify({
    id,
    name,
    email: `${name.replace(' ', '.').toLowerCase()}.${id}@example.org`,
    createdAt: new Date(id * 1_000).toISOString(),
    balance: random.magnitude(1, 10 ** 7) / 100,
    active: random.chance(0.5),
    tags: [random.oneOf(words), random.oneOf(words)],
    note: sentence(),
  })
}

function sentence(): string {
  return Array.from({ length: 8 }, () => random.oneOf(words)).join(' ')
}
