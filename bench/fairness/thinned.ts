/** At most so many of the values, evenly by rank, the highest always among them. Sorted. */
export function thinned(values: readonly number[], most: number): number[] {
  const sorted = [...values].sort((a, b) => a - b)
  if (sorted.length <= most) return sorted
  return Array.from({ length: most }, (_, index) => {
    const rank = Math.round(((index + 1) * sorted.length) / most) - 1
    return sorted[rank] as number
  })
}
