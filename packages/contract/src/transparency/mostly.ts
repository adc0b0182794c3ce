import fc from 'fast-check'

/** Mostly one of these, sometimes one of those. */
export function mostly<T>(usual: readonly T[], unusual: readonly T[], weight = 40): fc.Arbitrary<T> {
  return fc.oneof(
    { weight, arbitrary: fc.constantFrom(...usual) },
    { weight: 1, arbitrary: fc.constantFrom(...unusual) },
  )
}
