import { gzipSync } from 'node:zlib'

/** Made once for each length: the client holds no more of them than that. */
const made = new Map<string, Buffer>()

/** Rows as from a table of orders, as JSON of about so many bytes. */
export function jsonOf(bytes: number): Buffer {
  return once(`json ${bytes}`, () => {
    const lines = [...orders(bytes)]
    return Buffer.from(`[${lines.join(',')}]`)
  })
}

/** The same rows, one a line, of exactly so many bytes, in gzip: an eighth of them or so. */
export function gzipOf(bytes: number): Buffer {
  return once(`gzip ${bytes}`, () => gzipSync(Buffer.from([...orders(bytes)].join('\n')).subarray(0, bytes)))
}

function once(key: string, make: () => Buffer): Buffer {
  const body = made.get(key) ?? make()
  made.set(key, body)
  return body
}

const CITIES = ['Lagos', 'Łódź', 'Lima', 'Leeds', 'Lahore']

/** Different ones, so that neither gzip nor V8 finds one string for all; their names are not Latin-1, as names are. */
function* orders(bytes: number): Generator<string> {
  for (let id = 0, made = 0; made < bytes; id++) {
    const mixed = Math.imul(id + 1, 0x9e3779b1) >>> 0
    const row = JSON.stringify({
      id: `${mixed.toString(36)}-${id}`,
      city: CITIES[mixed % CITIES.length],
      paid: mixed % 3 === 0,
      amounts: [mixed % 1000, (mixed >>> 10) % 1000, (mixed >>> 20) % 1000],
      note: `order ${id} of ${mixed % 97} pieces, to be left with a neighbour`,
    })
    made += Buffer.byteLength(row) + 1
    yield row
  }
}
