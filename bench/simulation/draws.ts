import type { Random } from '../soak/random.ts'

/** Of an exponential distribution: the time from one arrival of a Poisson process to the next. */
export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random.next())
}

/** Of the standard normal distribution, by Box and Muller. */
export function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()))
  return radius * Math.cos(2 * Math.PI * random.next())
}

/** Of a Pareto distribution that ends at `most`. */
export function boundedPareto(random: Random, shape: number, least: number, most: number): number {
  const beyond = (least / most) ** shape
  return least / (1 - random.next() * (1 - beyond)) ** (1 / shape)
}
