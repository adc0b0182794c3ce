import type { Deadline } from './deadline.ts'
import type { Reservation } from './reservation.ts'

/** A piece of work that a request's release waits for. */
export interface HeldPiece {
  readonly name: string
  readonly since: number
}

const UNNAMED = 'unnamed'

/**
 * What a request does beside reading its body and answering: work that it holds, pieces of its reservation, a deadline,
 * and how much came of it. Made only for requests that do any of it.
 */
export class RequestWork {
  /** Times that something passed a point a second time. */
  repeated = 0
  /** Tasks that were begun. */
  tasks = 0
  /** Bytes read from elsewhere. */
  readBytes = 0
  /** Of those, what was told before they were read. */
  declaredBytes = 0
  /** Pieces of held work that are over, and have gone on after their client had left; for so many milliseconds in all. */
  outlived = 0
  outlivedMs = 0
  deadline: Deadline | undefined
  readonly held = new Set<HeldPiece>()
  readonly pieces = new Set<Reservation>()
  #peakBytes = 0
  #leftAt: number | undefined

  /** When its client left, on the clock of `performance.now()`; undefined as long as it is there, or was answered. */
  get leftAt(): number | undefined {
    return this.#leftAt
  }

  /** Bytes of all pieces. */
  get bytes(): number {
    let bytes = 0
    for (const piece of this.pieces) bytes += piece.bytes
    return bytes
  }

  /** The most bytes that all pieces have had. */
  get peakBytes(): number {
    return this.#peakBytes
  }

  begin(name = UNNAMED): HeldPiece {
    const piece = { name, since: performance.now() }
    this.held.add(piece)
    return piece
  }

  end(piece: HeldPiece): void {
    this.held.delete(piece)
    if (this.#leftAt === undefined) return
    this.outlived++
    this.outlivedMs += performance.now() - Math.max(piece.since, this.#leftAt)
  }

  /** Its client has left. Any number of calls. */
  clientLeft(): void {
    this.#leftAt ??= performance.now()
  }

  notePeak(): void {
    this.#peakBytes = Math.max(this.#peakBytes, this.bytes)
  }

  /** Nobody waits while holding, and nothing is held once the request is over. */
  releasePieces(): void {
    for (const piece of this.pieces) piece.release()
  }

  /** Nothing goes on any more. */
  over(): void {
    this.deadline?.clear()
    this.releasePieces()
  }
}
