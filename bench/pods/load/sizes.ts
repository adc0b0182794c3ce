const KIB = 1024

/** Body sizes and how many of a hundred requests have them: most are small, and most bytes are large ones'. */
export const SIZES: readonly { readonly bytes: number; readonly percent: number }[] = [
  { bytes: 4 * KIB, percent: 30 },
  { bytes: 16 * KIB, percent: 20 },
  { bytes: 64 * KIB, percent: 15 },
  { bytes: 256 * KIB, percent: 12 },
  { bytes: 1024 * KIB, percent: 10 },
  { bytes: 4096 * KIB, percent: 8 },
  { bytes: 16_384 * KIB, percent: 5 },
]

/** Up to here a request is small. */
export const SMALL_BYTES = 64 * KIB

/** The same sizes in the same order for the same seed (mulberry32). */
export function* sizes(seed: number): Generator<number, never> {
  let state = seed
  for (;;) {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    yield sizeAt((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * 100)
  }
}

function sizeAt(percent: number): number {
  let left = percent
  for (const size of SIZES) {
    if (left < size.percent) return size.bytes
    left -= size.percent
  }
  return (SIZES.at(-1) as (typeof SIZES)[number]).bytes
}
