import Table from 'cli-table3'
import { type BodyKind, defaultCost } from '../../packages/core/src/body-kind.ts'
import { frameworkNames } from '../flood/servers.ts'
import { ending, mebibytes } from '../flood/wording.ts'
import { machineLine } from '../machine.ts'
import { plainTable } from '../plain-table.ts'
import {
  type Footprint,
  type FootprintResult,
  type FootprintRun,
  footprints,
  perRequest,
  typicalPeaks,
} from './footprint-result.ts'
import { kindNamed } from './kinds.ts'

const head = [
  'kind',
  'server',
  'at once',
  'a byte takes',
  'and floating',
  'largest',
  'its peak',
  'a small one',
  'default',
]
const FIRST_NUMBER = head.indexOf('a byte takes')

export function terminalTable(run: FootprintRun): string {
  const colAligns = head.map((_, column) => (column < FIRST_NUMBER ? 'left' : 'right') as 'left' | 'right')
  const table = new Table({ head, colAligns, ...plainTable })
  table.push(...run.results.flatMap(rows))
  return [table.toString(), ...endings(run), ...standIn(run)].join('\n')
}

export function markdownTable(run: FootprintRun): string {
  const rule = head.map((_, column) => (column < FIRST_NUMBER ? '---' : '---:'))
  const lines = [head, rule, ...run.results.flatMap(rows)].map(row => `| ${row.join(' | ')} |`)
  return [...lines, '', ...endings(run), ...standIn(run).map(note => `**${note}**`), footnote(run), ''].join(
    '\n',
  )
}

/** One for each number of bodies at once. */
function rows(result: FootprintResult): string[][] {
  const { framework, kind } = result
  const peaks = typicalPeaks(result)
  const small = perRequest(result)
  const at = [...new Set(peaks.map(({ atOnce }) => atOnce))].filter(many => many < 64)
  return at.map((atOnce, index) => {
    const line = footprints(result).find(footprint => footprint.atOnce === atOnce)
    const largest = peaks.filter(load => load.atOnce === atOnce).at(-1)
    return [
      kind,
      frameworkNames[framework],
      String(atOnce),
      line ? factor(line) : '–',
      line ? mebibytes(line.floatBytes) : '–',
      largest ? mebibytes(largest.bytes) : '–',
      largest ? mebibytes(largest.peakBytes) : '–',
      index > 0 || small === undefined ? '' : `${Math.round(small / 1024)} KiB`,
      index > 0 ? '' : defaultFactor(kind),
    ]
  })
}

function factor({ perByte: { median, lowest, highest } }: Footprint): string {
  return `${median.toFixed(2)} (${lowest.toFixed(2)} to ${highest.toFixed(2)})`
}

export function defaultFactor(kind: string): string {
  const known: BodyKind | undefined = kindNamed(kind).defaultOf
  return known ? String(defaultCost(known).perByte) : ''
}

/** Who did not live. */
function endings({ results, cage }: FootprintRun): string[] {
  return results.flatMap(({ framework, kind, runs }) =>
    runs
      .flat()
      .filter(load => load.ending.kind !== 'alive')
      .map(load => {
        const what = `${load.atOnce} × ${mebibytes(load.bytes)}`
        return `${frameworkNames[framework]}, ${kind}, ${what}: ${ending({ ...load, cage })}.`
      }),
  )
}

function standIn({ cage }: FootprintRun): string[] {
  return cage.standsInBecause === undefined
    ? []
    : [`NOT A REAL CONTAINER: resident memory of the process. Reason: ${cage.standsInBecause}.`]
}

function footnote({ results, cage, machine, measuredAt }: FootprintRun): string {
  return [
    `Memory is anonymous memory over that of the idle server (${cage.kind}, limit ${mebibytes(cage.limitBytes)}).`,
    `${results[0]?.runs.length} runs: medians, and from where to where.`,
    `${machineLine(machine)}; ${measuredAt.slice(0, 10)}.`,
    ...new Set(results.flatMap(laterLine)),
  ].join(' ')
}

function laterLine({ kind, later }: FootprintResult): string[] {
  return later ? [`${kind}: ${machineLine(later.machine)}; ${later.measuredAt.slice(0, 10)}.`] : []
}
