import type { BodyKind } from './body-kind.ts'
import { BUFFERED_FREE, costOfBuffered } from './buffered-cost.ts'
import type { PlimsollErrorCode } from './errors.ts'
import { Measure } from './measure.ts'
import type { RequestWork } from './request-work.ts'
import { WorkMeasures } from './work-measures.ts'

/** How much of what was learned each response keeps that buffers less. */
const KEPT = 0.98
/** The same of what was only guessed: a few dozen small ones are enough to doubt it. */
const KEPT_OF_GUESS = 0.8
/** Errors alone never make it less than such a part of what was guessed at first. */
const LEAST_BY_ERRORS = 1 / 4
/** Who waits is priced anew when the guess is no more than such a part of what it was the last time. */
const MUCH_LESS = 0.75

/** So many requests of a route are measured one by one, then one of as many: it costs more than all else about one. */
const ALL_UP_TO = 256
const THEN_ONE_OF = 16

/** What one request was like, once it is over. */
export interface Measured {
  /** Undefined where it declared none, or could not. */
  readonly declaredBytes: number | undefined
  readonly readBytes: number
  readonly reservedBytes: number
  readonly heldMs: number
  /** How its body was read, by its kind or as a stream; undefined where it had none that cost anything. */
  readonly read: BodyKind | 'stream' | undefined
}

/** What the requests of one route were like, and what they taught. Milliseconds are kept to a hundredth. */
export class RouteMeasures {
  /** Method and pattern. */
  readonly route: string
  readonly declaredBytes = new Measure()
  readonly readBytes = new Measure()
  readonly reservedBytes = new Measure()
  readonly bufferedBytes = new Measure(1, BUFFERED_FREE)
  readonly heldMs = new Measure(0.01)
  readonly waitedMs = new Measure(0.01)
  readonly refused: Partial<Record<PlimsollErrorCode, number>> = {}
  /** How bodies of it are read, by the last one. */
  read: BodyKind | 'stream' | undefined
  queued = 0
  /** What its requests did besides; undefined where none did any of it. */
  work: WorkMeasures | undefined
  #requests = 0
  #buffered: number
  #guess: number
  readonly #guessedFirst: number
  /** The guess by which those who wait are priced. */
  #priced: number

  /** @param guess what a response of it may have in its buffers, as far as nobody knows */
  constructor(route: string, guess: number) {
    this.route = route
    this.#buffered = 0
    this.#guess = this.#guessedFirst = guess
    this.#priced = guess
  }

  /** Requests that are over. */
  get requests(): number {
    return this.#requests
  }

  /** Whether the next one that is over is to be measured. */
  get samples(): boolean {
    return this.#requests < ALL_UP_TO || this.#requests % THEN_ONE_OF === 0
  }

  /** Whether what its responses cost is a guess still. */
  get guesses(): boolean {
    return this.#guess > Math.max(this.#buffered, BUFFERED_FREE)
  }

  /** What a response of it costs, by what such responses have buffered lately. */
  get responseBytes(): number {
    return costOfBuffered(Math.max(this.#buffered, this.#guess))
  }

  /**
   * One is over whose response has had so much in its buffers.
   *
   * @param failed whether it was an error. Such ones tell little of the others, and anybody can ask for them: a few
   *   hundred that are not let in (401) would teach that a download costs nothing
   */
  over(bufferedBytes: number, failed = false): void {
    this.#requests++
    this.#buffered = Math.max(bufferedBytes, failed ? this.#buffered : faded(this.#buffered, KEPT))
    // One that has buffered much has told what it is.
    if (bufferedBytes > BUFFERED_FREE) this.#guess = 0
    else if (!failed || this.#guess > this.#guessedFirst * LEAST_BY_ERRORS) this.buffersNothing()
    this.bufferedBytes.record(bufferedBytes)
  }

  /** A response is under way that has nothing in its buffers, or was over with as little. */
  buffersNothing(): void {
    this.#guess = faded(this.#guess, KEPT_OF_GUESS)
  }

  /** Whether what is guessed has become much less since this was last true. */
  costsLess(): boolean {
    if (this.#guess > this.#priced * MUCH_LESS || this.#priced === 0) return false
    this.#priced = this.#guess
    return true
  }

  /** What else a request was like that is over. */
  measure({ declaredBytes, readBytes, reservedBytes, heldMs, read }: Measured): void {
    if (declaredBytes !== undefined) this.declaredBytes.record(declaredBytes)
    this.readBytes.record(readBytes)
    this.reservedBytes.record(reservedBytes)
    this.heldMs.record(heldMs)
    this.read = read ?? this.read
  }

  /** One is over that did so much besides. */
  worked(work: RequestWork): void {
    this.work ??= new WorkMeasures()
    this.work.add(work)
  }

  /** A response that is under way has so much in its buffers: others may be admitted before it is over. */
  buffers(bytes: number): void {
    if (bytes > this.#buffered) this.#buffered = bytes
  }

  refuse(code: PlimsollErrorCode): void {
    this.refused[code] = (this.refused[code] ?? 0) + 1
  }
}

/**
 * What is left of it: nothing, where that would cost nothing. A number that only ever shrinks by a part ends as one that
 * a processor takes a hundred times as long to multiply.
 */
function faded(bufferedBytes: number, kept: number): number {
  const left = bufferedBytes * kept
  return left > BUFFERED_FREE ? left : 0
}
