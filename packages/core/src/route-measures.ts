import type { BodyKind } from './body-kind.ts'
import type { PlimsollErrorCode } from './errors.ts'
import { BUFFERED_FREE } from './holding.ts'
import { Measure } from './measure.ts'

/** What a response costs that buffers at all: besides what it buffers, its objects and what it reads ahead. */
const BESIDE_BUFFERED = 64 * 1024
/** What a handler writes it mostly has twice: what is written, and what is read to be written next. */
const BUFFERED_TWICE = 2
/** How much of what was learned each response keeps that buffers less. */
const KEPT = 0.98

/** What one request was like, once it is over. */
export interface Measured {
  /** Undefined where it declared none, or could not. */
  readonly declaredBytes: number | undefined
  readonly readBytes: number
  readonly reservedBytes: number
  readonly bufferedBytes: number
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
  readonly bufferedBytes = new Measure()
  readonly heldMs = new Measure(0.01)
  readonly waitedMs = new Measure(0.01)
  readonly refused: Partial<Record<PlimsollErrorCode, number>> = {}
  /** How bodies of it are read, by the last one. */
  read: BodyKind | 'stream' | undefined
  queued = 0
  #buffered = 0
  #seen = false

  constructor(route: string) {
    this.route = route
  }

  /** Requests that are over. */
  get requests(): number {
    return this.heldMs.count
  }

  /** Whether what it costs is known, since one of them has been answered. */
  get seen(): boolean {
    return this.#seen
  }

  /** What a response of it costs, by what such responses have buffered lately. */
  get responseBytes(): number {
    return costOfBuffered(this.#buffered)
  }

  over({ declaredBytes, readBytes, reservedBytes, bufferedBytes, heldMs, read }: Measured): void {
    this.#seen = true
    this.#buffered = Math.max(bufferedBytes, this.#buffered * KEPT)
    if (declaredBytes !== undefined) this.declaredBytes.record(declaredBytes)
    this.readBytes.record(readBytes)
    this.reservedBytes.record(reservedBytes)
    this.bufferedBytes.record(bufferedBytes)
    this.heldMs.record(heldMs)
    this.read = read ?? this.read
  }

  refuse(code: PlimsollErrorCode): void {
    this.refused[code] = (this.refused[code] ?? 0) + 1
  }
}

/** What a response costs that buffers so much at most. */
export function costOfBuffered(bytes: number): number {
  return bytes <= BUFFERED_FREE ? 0 : BESIDE_BUFFERED + BUFFERED_TWICE * Math.ceil(bytes)
}
