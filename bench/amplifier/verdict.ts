import { mebibytes } from '../flood/wording.ts'
import { type AmplifierRun, resultOf, unanswered, usefulPerSecond } from './amplifier-result.ts'
import { steps } from './steps.ts'

const MOST_BYTES = 200 * 2 ** 20
const LEAST_RATIO = 0.9

/** What the guards fell short of, with all faults on; nothing where that was not measured. */
export function verdictOf(run: AmplifierRun): string[] {
  const last = steps.at(-1)?.turnedOn ?? 'none'
  const guarded = resultOf(run, last, 'guarded')
  const repaired = resultOf(run, last, 'repaired')
  if (guarded === undefined) return []
  const { peakBytes, ending } = guarded
  const short: string[] = []
  if (ending.kind !== 'alive') short.push('The guarded server did not live.')
  if (unanswered(guarded) > 0)
    short.push(`${unanswered(guarded)} visitors of the guarded server read no answer.`)
  if (peakBytes > MOST_BYTES) short.push(`The guarded server took ${mebibytes(peakBytes)}.`)
  if (repaired && usefulPerSecond(guarded) < LEAST_RATIO * usefulPerSecond(repaired)) {
    short.push('The guarded server gave fewer useful answers than nine tenths of the one repaired by hand.')
  }
  return short
}
