import Table from 'cli-table3'
import { ending, mebibytes, peak, standIn } from '../flood/wording.ts'
import { machineLine } from '../machine.ts'
import { plainTable } from '../plain-table.ts'
import { median, spreadOf } from '../statistics.ts'
import {
  type AmplifierResult,
  type AmplifierRun,
  resultOf,
  resultsOf,
  unanswered,
  usefulPerSecond,
} from './amplifier-result.ts'
import { type Contender, contenders, steps } from './steps.ts'

const NAMES = { unguarded: 'unguarded', guarded: 'guarded', repaired: 'repaired by hand' }
const head = [
  'faults on',
  ...contenders.map(contender => `${NAMES[contender]}: peak`),
  ...contenders.map(contender => `${NAMES[contender]}: sockets`),
  ...contenders.map(contender => `${NAMES[contender]}: useful/s`),
  'guarded: refused, unanswered',
]

export function terminalTable(run: AmplifierRun): string {
  const colAligns = head.map((_, column) => (column === 0 ? 'left' : 'right') as 'left' | 'right')
  const table = new Table({ head, colAligns, ...plainTable })
  table.push(...rows(run))
  return [table.toString(), ...closing(run)].join('\n\n')
}

export function markdownTable(run: AmplifierRun): string {
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'))
  const lines = [head, rule, ...rows(run)].map(row => `| ${row.join(' | ')} |`)
  return `${[lines.join('\n'), ...closing(run)].join('\n\n')}\n`
}

function rows(run: AmplifierRun): string[][] {
  return steps.map(({ turnedOn }) => {
    const cell = (contender: Contender, say: (results: readonly AmplifierResult[]) => string): string => {
      const results = resultsOf(run, turnedOn, contender)
      return results.length === 0 ? '–' : say(results)
    }
    return [
      turnedOn === 'none' ? 'none' : `+ ${turnedOn}`,
      ...contenders.map(contender => cell(contender, peaksAndEnding)),
      ...contenders.map(contender => cell(contender, mostSockets)),
      ...contenders.map(contender =>
        cell(contender, results => median(results.map(usefulPerSecond)).toFixed(1)),
      ),
      cell('guarded', results => {
        const refused = median(results.map(({ visitors }) => visitors.refused))
        return `${refused}, ${Math.max(...results.map(unanswered))}`
      }),
    ]
  })
}

/** With its suppliers, at once: what a body costs that nobody reads. */
function mostSockets(results: readonly AmplifierResult[]): string {
  const counts = results.flatMap(({ connections = [] }) => connections)
  return counts.length === 0 ? '–' : String(median(counts))
}

/** Of the run of the median peak, and from where to where. */
function peaksAndEnding(results: readonly AmplifierResult[]): string {
  const typical = results[results.length >> 1] as AmplifierResult
  const { ending: ended } = typical
  const { lowest, highest } = spreadOf(results.map(({ peakBytes }) => Math.round(peakBytes / 2 ** 20)))
  const spread = results.length > 1 ? ` (${lowest} to ${highest})` : ''
  if (ended.kind === 'alive') return `${peak(typical)}${spread}`
  const after = 'atSeconds' in ended ? ` after ${ended.atSeconds.toFixed(1)} s` : ''
  const times = results.filter(({ ending }) => ending.kind === ended.kind).length
  const often = results.length > 1 ? `, ${times} times of ${results.length}` : ''
  return `${ending(typical)}${after}${often}`
}

/** What is asked of the guards, with all faults on. */
function closing(run: AmplifierRun): string[] {
  const last = steps.at(-1)?.turnedOn ?? 'none'
  const [, guarded, repaired] = contenders.map(contender => resultOf(run, last, contender))
  const any = run.results[0]
  if (any === undefined) return []
  const note = standIn(run.results)
  const runs = resultsOf(run, any.turnedOn, any.contender).length
  return [
    ...(guarded && repaired
      ? [
          `All faults on, guarded: ${(usefulPerSecond(guarded) / usefulPerSecond(repaired)).toFixed(2)} of the useful answers of the server repaired by hand; ` +
            `${unanswered(guarded)} of ${guarded.visitors.sent} unanswered.`,
        ]
      : []),
    ...(guarded?.report
      ? [`What it tells of its requests:\n\n    ${guarded.report.replaceAll('\n', '\n    ')}`]
      : []),
    ...(note === undefined ? [] : [note]),
    ...(runs > 1 ? [`${runs} runs: the one of the median peak, and from where to where.`] : []),
    `${run.perSecond} visitors a second for ${any.visitors.seconds} s; limit ${mebibytes(any.cage.limitBytes)} (${any.cage.kind}), budget ${run.budget}. ` +
      `${machineLine(run.machine)}; ${run.measuredAt.slice(0, 10)}.`,
  ]
}
