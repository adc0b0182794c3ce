const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/**
 * Bytes in three digits or four, as `parseByteSize` reads them: `1.5MiB`, `1000KiB`.
 *
 * @param round how the last digit comes about: `Math.ceil` where less would be too little
 */
export function size(bytes: number, round: (value: number) => number = Math.round): string {
  let unit = 0
  let value = bytes
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024
  // Bytes are whole.
  const digits = unit === 0 || value >= 100 ? 1 : value >= 10 ? 10 : 100
  return `${round(value * digits) / digits}${UNITS[unit]}`
}

/** A time, in the unit that it is of. */
export function duration(ms: number): string {
  if (ms < 1000) return `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)}ms`
  const seconds = ms / 1000
  if (seconds < 120) return `${Math.round(seconds * 10) / 10}s`
  const minutes = seconds / 60
  return minutes < 120 ? `${Math.round(minutes)}min` : `${Math.round(minutes / 6) / 10}h`
}

/** A whole number with its thousands apart. */
export function count(value: number): string {
  return value.toLocaleString('en')
}

/** A count with what it counts. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** How sure a probability is. */
export function confidence(probability: number): string {
  const word = SURE.find(([least]) => probability >= least)?.[1] ?? 'a guess'
  // 0.9996 is not 100 %.
  return `${word} (${Math.floor(probability * 100)} %)`
}

const SURE = [
  [0.99, 'all but certain'],
  [0.95, 'sure'],
  [0.8, 'likely'],
  [0.5, 'unsure'],
] as const

/**
 * What came from elsewhere, on one line and without what a terminal would obey. Names of routes can be paths that
 * clients made up.
 */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
}
