import type { MemoryReading } from '../cage/cage.ts'
import type { Survival } from '../flood/flood-result.ts'
import type { Machine } from '../machine.ts'
import type { Contender, Step } from './steps.ts'
import type { VisitorReport } from './visitors.ts'

/** One server under the load. */
export interface AmplifierResult extends Survival {
  readonly turnedOn: Step['turnedOn']
  readonly contender: Contender
  readonly visitors: VisitorReport
  readonly idleBytes: number
  readonly peakOf: MemoryReading | undefined
  /** The most connections that it had with its suppliers at once; left out of figures from before that was counted. */
  readonly connections?: number
  /** Of a guarded one: what it tells of its requests. */
  readonly report?: string
}

/** A run of the bench as amplifier.json keeps it; table and picture are made from this alone. */
export interface AmplifierRun {
  readonly measuredAt: string
  readonly machine: Machine
  readonly budget: string
  readonly perSecond: number
  readonly results: readonly AmplifierResult[]
}

export function usefulPerSecond({ visitors }: AmplifierResult): number {
  return visitors.useful / visitors.seconds
}

/** Who neither has an answer, nor a refusal to read, nor has left without waiting for one. */
export function unanswered({ visitors: { sent, useful, refused, left } }: AmplifierResult): number {
  return sent - useful - refused - left
}

/** Of several runs the one of the median peak; of an even number the higher one of the two. */
export function resultOf(
  run: AmplifierRun,
  turnedOn: Step['turnedOn'],
  contender: Contender,
): AmplifierResult | undefined {
  const results = resultsOf(run, turnedOn, contender)
  return results[results.length >> 1]
}

/** By their peak; who was killed had the highest, seen or not. */
export function resultsOf(
  { results }: AmplifierRun,
  turnedOn: Step['turnedOn'],
  contender: Contender,
): AmplifierResult[] {
  const height = ({ ending, peakBytes }: AmplifierResult): number =>
    peakBytes + (ending.kind === 'killed for memory' ? 2 ** 40 : 0)
  return results
    .filter(result => result.turnedOn === turnedOn && result.contender === contender)
    .sort((one, other) => height(one) - height(other))
}
