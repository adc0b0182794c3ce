import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { Spread } from './report.ts'

/** A sixteenth is near enough for a recommendation, and takes 8 KiB. */
const FIGURES = 1
/** Above all that is measured here: 128 TiB, or 4 years in microseconds. */
const HIGHEST = 2 ** 47

/** So many values are kept as they are: of 500 routes most are asked a few times, and a histogram of each takes 24 MB. */
const FEW = 32

/** How whole numbers are spread. Zeros are counted apart: of most measures most are. */
export class Measure {
  readonly #unit: number
  readonly #nothing: number
  #zeros = 0
  #most = 0
  /** As long as they are few. */
  #values: number[] = []
  #histogram: RecordableHistogram | undefined

  /**
   * @param unit what a value is a multiple of; less than half of it counts as 0
   * @param nothing values up to this count as 0, too
   */
  constructor(unit = 1, nothing = 0) {
    this.#unit = unit
    this.#nothing = nothing
  }

  /** How many there were. */
  get count(): number {
    return this.#zeros + (this.#histogram?.count ?? this.#values.length)
  }

  record(value: number): void {
    if (value <= this.#nothing) {
      this.#zeros++
      return
    }
    const units = Math.round(value / this.#unit)
    if (units < 1) {
      this.#zeros++
      return
    }
    if (units > this.#most) this.#most = units
    if (this.#histogram !== undefined) this.#histogram.record(Math.min(units, HIGHEST))
    else if (this.#values.push(Math.min(units, HIGHEST)) > FEW) this.#histogram = this.#gather()
  }

  #gather(): RecordableHistogram {
    const histogram = createHistogram({ lowest: 1, highest: HIGHEST, figures: FIGURES })
    for (const value of this.#values) histogram.record(value)
    this.#values = []
    return histogram
  }

  spread(): Spread {
    return { p50: this.#percentile(50), p99: this.#percentile(99), max: this.#percentile(100) }
  }

  #percentile(percent: number): number {
    const histogram = this.#histogram
    const rank = Math.ceil((percent / 100) * this.count) - this.#zeros
    if (rank <= 0) return 0
    if (histogram === undefined)
      return ([...this.#values].sort((one, other) => one - other)[rank - 1] as number) * this.#unit
    // Rounded to a step of the histogram, which may end above all that was seen.
    return Math.min(histogram.percentile((100 * rank) / histogram.count), this.#most) * this.#unit
  }
}
