import type { LinearCost } from '@plimsoll/core'
import { size } from './wording.ts'

/** The option `cost`, to paste. */
export function costSnippet({ fixed, perByte }: LinearCost): string {
  // Rounded up: a cost that is too low is what a budget can't mend.
  const bytes = `'${size(fixed, Math.ceil)}'`
  if (perByte === 0) return `cost: ${bytes}`
  return `cost: { fixed: ${bytes}, perByte: ${Math.ceil(perByte * 100) / 100} }`
}

/** The option `budget`, to paste. */
export function budgetSnippet(bytes: number): string {
  return `budget: '${size(bytes, Math.floor)}'`
}
