import {
  type ByteSize,
  checkOptions,
  noteRead,
  optionError,
  PlimsollError,
  parseByteSize,
} from '@plimsoll/core'
import { type BoundedSource, discardSource, openSource } from './bounded-source.ts'
import { GatheredBytes } from './gathered-bytes.ts'
import { HeldBytes, type Holdable, isOfRequest } from './held-bytes.ts'
import { isNoted } from './noted-sources.ts'
import { readChunks } from './read-chunks.ts'

/** How a source is read. */
export interface ReadBoundedOptions {
  /**
   * Holds the bytes while they come, and the buffer once it is there; after a failure none of them. A request's: until the
   * request is over. A piece of it (`tryReserve(0)`), or any other reservation: until that is released. Default: nothing is
   * held.
   */
  readonly reservation?: Holdable | undefined
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
    const { reservation, signal } = checked(options)
    const open = openSource(source)
    signal?.throwIfAborted()
    held = new HeldBytes(reservation)
    const tooLarge = (bytes: number): PlimsollError => responseTooLarge(bytes, most)
    const gathered = new GatheredBytes({ limit: most, expected: open.expected, held, tooLarge })
    try {
      await readChunks(open, chunk => gathered.add(chunk), signal)
    } finally {
      if (reservation && isOfRequest(reservation) && !isNoted(source))
        noteRead(reservation, gathered.total, open.declared)
    }
    // A decoder is done where what is encoded ends, and what follows that would keep the socket for ever.
    if (open.codings.length > 0) discardSource(source, undefined)
    return gathered.joined()
  } catch (error) {
    held?.shrink(0)
    discardSource(source, error)
    throw error
  }
}

function checked(options: ReadBoundedOptions): ReadBoundedOptions {
  checkOptions(options, ['reservation', 'signal'], 'options')
  const { reservation, signal } = options
  if (reservation !== undefined && typeof reservation?.tryGrow !== 'function')
    throw optionError('reservation', 'a reservation', reservation)
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw optionError('signal', 'an AbortSignal', signal)
  return options
}

/** What a response is refused with that is longer than `limit`. */
export function responseTooLarge(bytes: number, limit: number): PlimsollError {
  return new PlimsollError('ERR_PLIMSOLL_RESPONSE_TOO_LARGE', 'A response from elsewhere is too large', {
    bytes,
    limit,
  })
}
