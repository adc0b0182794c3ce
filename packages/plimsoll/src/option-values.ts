import { parseByteSize } from '@plimsoll/core'
import { InvalidArgumentError } from 'commander'

/** A size on the command line; digits alone are bytes. */
export function sizeOption(text: string): number {
  try {
    const bytes = parseByteSize(/^\d+$/.test(text) ? Number(text) : text)
    if (bytes > 0) return bytes
  } catch {
    // Said below, with the name of the option.
  }
  throw new InvalidArgumentError('It must be a size above 0, such as 512MiB, 1.5Gi or 64MB.')
}

/** A count on the command line, from 1. */
export function countOption(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0
  if (count < 1 || count > MOST) {
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${MOST}.`)
  }
  return count
}

const MOST = 1_000_000
