import { Durations } from './durations.ts'
import type { FrontProxy } from './front-proxy.ts'
import type { Pod } from './pod.ts'
import type { Request } from './request.ts'
import { world } from './world.ts'

/** What has become of all requests of a cell. */
export class Tally {
  /** All that came, from the beginning. Each is answered, refused or lost, or still inside at the end. */
  offered = 0
  ended = { answered: 0, refused: 0, lost: 0 }
  inside = 0
  kills = 0
  /** Since the beginning of the measurement. */
  measured = { answered: 0, answeredBytes: 0, refused: 0, lost: 0, queued: 0, kills: 0 }
  /** From the arrival to the end of those answered, small ones and all. */
  readonly small = new Durations()
  readonly all = new Durations()
  peaks: { readonly most: number; readonly median: number } = { most: 0, median: 0 }
  #measuring = false
  #killsBefore = 0

  begin(): void {
    this.#measuring = true
    this.#killsBefore = this.kills
  }

  answered(request: Request, now: number): void {
    this.ended.answered++
    if (!this.#measuring) return
    const { measured } = this
    const seconds = now - request.arrivedAt
    measured.answered++
    measured.answeredBytes += request.bytes
    if (request.queued) measured.queued++
    if (request.bytes <= world.smallBytes) this.small.add(seconds)
    this.all.add(seconds)
  }

  refused(request: Request): void {
    this.ended.refused++
    if (!this.#measuring) return
    this.measured.refused++
    if (request.queued) this.measured.queued++
  }

  lost(request: Request): void {
    this.ended.lost++
    if (!this.#measuring) return
    this.measured.lost++
    if (request.queued) this.measured.queued++
  }

  end(pods: readonly Pod[], proxies: readonly FrontProxy[]): void {
    this.inside = sum(pods.map(({ inside }) => inside)) + sum(proxies.map(({ waiting }) => waiting))
    this.measured.kills = this.kills - this.#killsBefore
    const peaks = pods.map(({ peakBytes }) => peakBytes).sort((a, b) => a - b)
    this.peaks = { most: peaks.at(-1) ?? 0, median: peaks[peaks.length >> 1] ?? 0 }
  }
}

function sum(figures: readonly number[]): number {
  return figures.reduce((total, figure) => total + figure, 0)
}
