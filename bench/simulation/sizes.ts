import { Random } from '../soak/random.ts'
import { boundedPareto, normal } from './draws.ts'

/** Sizes of bodies, in bytes. */
export interface Sizes {
  readonly title: string
  readonly draw: (random: Random) => number
}

/** The largest body that the example's server takes. */
const LARGEST = 16 * 2 ** 20

/**
 * Files of web servers: a lognormal body and, from 133,000 bytes on, a Pareto tail of shape 1.1. P. Barford, M. Crovella,
 * Generating Representative Web Workloads (Surge), SIGMETRICS 1998; parameters as XCloudsimulation/X-Cloud-Simulator has them.
 * That the tail ends at 16 MiB is ours, and that a file belongs to it where the body's own distribution would have it there.
 */
const surge: Sizes = {
  title: 'files of web servers (Surge)',
  draw: random => {
    const bytes = Math.exp(9.357 + 1.318 * normal(random))
    return Math.max(1, Math.round(bytes < TAIL_FROM ? bytes : tailOf(random)))
  },
}

const TAIL_FROM = 133_000

function tailOf(random: Random): number {
  return boundedPareto(random, 1.1, TAIL_FROM, LARGEST)
}

/** The same files, but half of all that come are of the tail: an hour of uploads. That half is ours. */
const uploads: Sizes = {
  title: 'half of them large',
  draw: random => Math.round(random.chance(0.5) ? tailOf(random) : bodyOf(random)),
}

function bodyOf(random: Random): number {
  for (;;) {
    const bytes = surge.draw(random)
    if (bytes < TAIL_FROM) return bytes
  }
}

/**
 * Objects of a CDN's cache at Facebook: quantiles of 5,210,505 in cachelib/cachebench/test_configs/hit_ratio/cdn/sizes.json
 * of facebook/CacheLib at 278ffc74, straight in the logarithm between them.
 */
const CDN = [
  [0, 127],
  [0.1, 159],
  [0.25, 2_783],
  [0.5, 13_343],
  [0.75, 41_343],
  [0.9, 77_631],
  [0.95, 118_495],
  [0.99, 274_239],
  [0.999, 827_039],
  [0.9999, 1_642_367],
  [1, 4_176_255],
] as const

const cdn: Sizes = {
  title: 'objects of a CDN (CacheLib)',
  draw: random => {
    const part = random.next()
    const above = CDN.findIndex(([quantile]) => quantile > part)
    const [from, least] = CDN[above - 1] as (typeof CDN)[number]
    const [to, most] = CDN[above] as (typeof CDN)[number]
    return Math.round(least * (most / least) ** ((part - from) / (to - from)))
  },
}

export const sizes = { surge, uploads, cdn }

export type Mix = keyof typeof sizes

/** So many are drawn for a mean: within a hundredth, with tails that end. */
const DRAWS = 4_000_000

/** Bytes of a body on average, and of one that is under way: where all are equally fast, large ones are longer there. */
export function meansOf(mix: Mix): { readonly bytes: number; readonly bytesUnderWay: number } {
  const random = new Random(1)
  let sum = 0
  let squares = 0
  for (let i = 0; i < DRAWS; i++) {
    const bytes = sizes[mix].draw(random)
    sum += bytes
    squares += bytes * bytes
  }
  return { bytes: sum / DRAWS, bytesUnderWay: squares / sum }
}
