import { Readable } from 'node:stream'
import { PIECE, PIECES } from './routes.ts'

/** What all servers answer. */
export const hello = { hello: 'world' }

export const downloadHeaders = {
  'content-type': 'application/octet-stream',
  'content-length': PIECE.length * PIECES,
}

export function download(): Readable {
  return Readable.from(pieces(), { objectMode: false })
}

function* pieces(): Generator<Buffer> {
  for (let i = 0; i < PIECES; i++) yield PIECE
}
