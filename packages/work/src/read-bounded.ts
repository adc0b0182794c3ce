import {
  type ByteSize,
  checkOptions,
  PlimsollError,
  parseByteSize,
  type RequestReservation,
} from '@plimsoll/core'
import { type BoundedSource, discardSource, openSource } from './bounded-source.ts'
import { GatheredBytes } from './gathered-bytes.ts'
import { HeldBytes } from './held-bytes.ts'
import { readChunks } from './read-chunks.ts'

/** How a source is read. */
export interface ReadBoundedOptions {
  /**
   * Holds the bytes while they come, and the buffer once it is there, until the request is over or gives them back; after a
   * failure it holds none of them. Default: nothing is held.
   */
  readonly reservation?: RequestReservation | undefined
  /** Ends the reading, with its reason. Default: nothing does, but the source. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Reads all of a source into one buffer, and no more of it than `limit`: of a response of `fetch`, or what `request` of
 * undici answers, of a Node stream, or a web stream. What comes counts after decompression. A source that tells by its
 * head how long it is, is read into a buffer that is made for it, and refused at once where that is too long.
 *
 * `fetch` decodes by itself. Of all other sources that have `headers`, a body that is encoded by gzip, deflate or br is
 * decoded here; in another coding it is read as it comes. However it ends, nothing of the source is left open.
 *
 * @param limit bytes, from 0; a source of just as many is read
 * @throws `ERR_PLIMSOLL_RESPONSE_TOO_LARGE` where more comes than `limit`
 * @throws `ERR_PLIMSOLL_NO_ROOM`, `ERR_PLIMSOLL_RELEASED` where the reservation can't hold it
 * @throws `ERR_PLIMSOLL_OPTION` where the source is locked, partly read, destroyed, or of anything but bytes
 * @throws the source's own error, or the signal's reason, as it is
 */
export async function readBounded(
  source: BoundedSource,
  limit: ByteSize,
  options: ReadBoundedOptions = {},
): Promise<Buffer> {
  let held: HeldBytes | undefined
  try {
    const most = parseByteSize(limit, 'limit')
    checkOptions(options, ['reservation', 'signal'], 'options')
    const open = openSource(source)
    options.signal?.throwIfAborted()
    held = new HeldBytes(options.reservation)
    const tooLarge = (bytes: number): PlimsollError => responseTooLarge(bytes, most)
    const gathered = new GatheredBytes({ limit: most, expected: open.expected, held, tooLarge })
    await readChunks(open, chunk => gathered.add(chunk), options.signal)
    return gathered.joined()
  } catch (error) {
    held?.shrink(0)
    discardSource(source, error)
    throw error
  }
}

/** What a response is refused with that is longer than `limit`. */
export function responseTooLarge(bytes: number, limit: number): PlimsollError {
  return new PlimsollError('ERR_PLIMSOLL_RESPONSE_TOO_LARGE', 'A response from elsewhere is too large', {
    bytes,
    limit,
  })
}
