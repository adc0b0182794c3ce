import { FAULTS, type Fault } from '../../examples/amplifier/src/faults.ts'

/** Faults that are turned on one by one, and those before each stay on. */
export interface Step {
  /** The one that is new; none in the first step. */
  readonly turnedOn: Fault | 'none'
  readonly faults: readonly Fault[]
}

export const steps: readonly Step[] = [
  { turnedOn: 'none', faults: [] },
  ...FAULTS.map((turnedOn, index) => ({ turnedOn, faults: FAULTS.slice(0, index + 1) })),
]

/** The same server: with its faults, with guards around them, and with all of them repaired that anybody could see. */
export const contenders = ['unguarded', 'guarded', 'repaired'] as const
export type Contender = (typeof contenders)[number]

/** No guard can tell what of an answer is of use, so that fault is in all three. */
const UNSEEN: Fault = 'useless-data'

export function argumentsOf({ faults }: Step, contender: Contender, budget: string): string[] {
  const left = contender === 'repaired' ? faults.filter(fault => fault === UNSEEN) : faults
  const guards = contender === 'guarded' ? ['--guarded', '--budget', budget] : []
  return ['--faults', left.join(','), ...guards]
}
