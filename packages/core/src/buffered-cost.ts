/** So much a response may buffer for nothing, its head included: the high-water mark of Node 20's sockets. */
export const BUFFERED_FREE = 16 * 1024
/** What a response costs that buffers at all: besides what it buffers, its objects and what it reads ahead. */
const BESIDE_BUFFERED = 64 * 1024
/** What a handler writes it mostly has twice: what is written, and what is read to be written next. */
const BUFFERED_TWICE = 2

/** What a response has in its buffers that costs so much. */
export function bufferedAt(cost: number): number {
  return Math.max(0, Math.floor((cost - BESIDE_BUFFERED) / BUFFERED_TWICE))
}

/** What a response costs that buffers so much at most. */
export function costOfBuffered(bytes: number): number {
  return bytes <= BUFFERED_FREE ? 0 : BESIDE_BUFFERED + BUFFERED_TWICE * Math.ceil(bytes)
}
