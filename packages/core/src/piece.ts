import { type ByteSize, parseByteSize } from './byte-size.ts'
import type { RequestWork } from './request-work.ts'
import type { BudgetReservation, Reservation } from './reservation.ts'

/** Whose pieces they are. */
export interface PieceOwner {
  /** Takes `by` more bytes for one of its pieces, if it may have them now. */
  growPiece(piece: BudgetReservation, by: number): boolean
}

/** A piece of what a request holds, which is released on its own; at the latest with the request. */
export class Piece implements Reservation {
  readonly #owner: PieceOwner
  readonly #own: BudgetReservation
  readonly #work: RequestWork
  readonly #twin: Reservation | undefined

  /** @param twin what the request's twin holds for it, where that is observed */
  constructor(owner: PieceOwner, own: BudgetReservation, work: RequestWork, twin: Reservation | undefined) {
    this.#owner = owner
    this.#own = own
    this.#work = work
    this.#twin = twin
    work.pieces.add(this)
  }

  get bytes(): number {
    return this.#own.bytes
  }

  get released(): boolean {
    return this.#own.released
  }

  tryGrow(by: ByteSize): boolean {
    const bytes = parseByteSize(by, 'by')
    if (this.released || !this.#owner.growPiece(this.#own, bytes)) return false
    this.#twin?.tryGrow(bytes)
    this.#work.notePeak()
    return true
  }

  shrink(to: ByteSize): void {
    this.#own.shrink(to)
    this.#twin?.shrink(to)
  }

  release(): void {
    this.#work.pieces.delete(this)
    this.#own.release()
    this.#twin?.release()
  }

  [Symbol.dispose](): void {
    this.release()
  }
}
