import { type Cage, type MemoryReading, totalBytes } from '../cage/cage.ts'

/** 35 µs a look on this kernel, so even this often it costs a thousandth of a core. */
const SAMPLE_EVERY_MS = 20

export interface Sample {
  readonly atMs: number
  readonly reading: MemoryReading
}

/** Looks into a cage over and over, and keeps what it saw. */
export class MemoryRecorder {
  readonly samples: Sample[] = []
  readonly #timer: NodeJS.Timeout

  constructor(cage: Cage, everyMs = SAMPLE_EVERY_MS) {
    this.#timer = setInterval(() => {
      const reading = cage.read()
      if (reading) this.samples.push({ atMs: performance.now(), reading })
    }, everyMs)
  }

  get lastBytes(): number {
    const last = this.samples.at(-1)
    return last ? totalBytes(last.reading) : 0
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

export function highest(samples: readonly Sample[]): Sample | undefined {
  let found: Sample | undefined
  for (const sample of samples) {
    if (!found || totalBytes(sample.reading) > totalBytes(found.reading)) found = sample
  }
  return found
}
