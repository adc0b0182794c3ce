import { optionError } from './errors.ts'

/** A number of bytes, or a string with a unit: `65536`, `'64KiB'`, `'1.5 GiB'` without the space. */
export type ByteSize = number | string

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
}

const SIZE = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB|TiB|Ki|Mi|Gi|Ti|kB|MB|GB|TB)$/

/**
 * Turns a size into whole bytes, rounding a fraction of a byte to the nearest one.
 *
 * Written here because the libraries for it guess: `bytes.parse('64MiB')` is 64, and a typo in a
 * budget must stop the server instead. Units are those of Kubernetes quantities and of SI: `'64MiB'`
 * and `'64Mi'` are 67,108,864 bytes, `'64MB'` is 64,000,000. Case counts, since `b` would mean bits.
 *
 * @param option name of the option being read, for the error
 * @throws `ERR_PLIMSOLL_OPTION` for anything that is not a whole, safe, non-negative number of bytes
 */
export function parseByteSize(value: ByteSize, option = 'size'): number {
  const bytes = typeof value === 'string' ? bytesIn(value) : value
  if (!Number.isSafeInteger(bytes) || bytes < 0) {
    throw optionError(option, 'a whole number of bytes or a string such as "64MiB"', value)
  }
  return bytes
}

function bytesIn(text: string): number {
  const match = SIZE.exec(text)
  return match === null ? Number.NaN : Math.round(Number(match[1]) * (UNITS[match[2] as string] as number))
}

/** For people. */
export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`
}
