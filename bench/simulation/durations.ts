/** So many bins for each factor of e: a percentile is right within a hundredth. */
const FINE = 100
const LEAST_SECONDS = 1e-4

/** Durations, by their logarithm: millions of them in a few kilobytes. */
export class Durations {
  readonly #bins: number[] = []
  count = 0
  #sum = 0

  add(seconds: number): void {
    const bin = Math.max(0, Math.ceil(FINE * Math.log(seconds / LEAST_SECONDS)))
    this.#bins[bin] = (this.#bins[bin] ?? 0) + 1
    this.count++
    this.#sum += seconds
  }

  /** In seconds; NaN of nothing. */
  get mean(): number {
    return this.#sum / this.count
  }

  /** @returns seconds; NaN of nothing */
  percentile(percent: number): number {
    let left = (percent / 100) * this.count
    for (const [bin, count] of this.#bins.entries()) {
      left -= count ?? 0
      if (left <= 1e-9 && count) return LEAST_SECONDS * Math.exp(bin / FINE)
    }
    return Number.NaN
  }
}
