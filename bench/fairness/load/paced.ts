import { setTimeout as sleep } from 'node:timers/promises'

const PIECES_A_SECOND = 10

/** Hands on a body at a steady rate, in ten pieces a second. */
export function paced(bytesPerSecond: number) {
  return async function* (slices: Iterable<Buffer>): AsyncGenerator<Buffer> {
    const size = Math.max(1, Math.floor(bytesPerSecond / PIECES_A_SECOND))
    const started = performance.now()
    let handedOn = 0
    for (const slice of slices) {
      for (let offset = 0; offset < slice.length; offset += size) {
        const due = started + (handedOn / bytesPerSecond) * 1_000
        await sleep(Math.max(0, due - performance.now()))
        const piece = slice.subarray(offset, offset + size)
        handedOn += piece.length
        yield piece
      }
    }
  }
}
