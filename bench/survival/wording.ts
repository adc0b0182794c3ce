import { mebibytes, seconds } from '../flood/wording.ts'
import type { CellResult } from './cell-result.ts'
import { lived } from './cell-result.ts'
import type { MatrixCell } from './matrix.ts'

/** What became of it, and in how many runs where that was not the same in all. */
export function fate(cell: MatrixCell): string {
  const inRuns = diedInRuns(cell)
  return inRuns === undefined ? word(cell) : `${word(cell)} ${inRuns}`
}

/** The same in one word, or two. */
export function word({ survived, typical }: MatrixCell): string {
  return survived ? 'survived' : fateOf(typical)
}

/** Undefined where it died in all runs, or none. */
export function diedInRuns({ survived, runs }: MatrixCell): string | undefined {
  const died = runs.filter(result => !lived(result)).length
  return survived || died === runs.length ? undefined : `in ${died} of ${runs.length} runs`
}

function fateOf({ ending }: CellResult): string {
  switch (ending.kind) {
    case 'killed for memory':
      return 'killed'
    case 'died':
      // V8 ends a process so whose heap is full.
      return ending.exitCode === 134 || /heap out of memory/.test(ending.stderr) ? 'out of heap' : 'died'
    case 'alive':
      return 'over limit'
    default:
      return 'hangs'
  }
}

/** How much of it was done, at a glance. */
export function share({ answered, requests }: CellResult): string {
  if (requests === 0) return 'none answered'
  if (answered === requests) return 'all answered'
  return `${answered.toLocaleString('en-US')} of ${requests.toLocaleString('en-US')}`
}

export function times(ratio: number): string {
  return `${ratio.toFixed(2)}×`
}

export function peakSaid({ runs, typical }: MatrixCell): string {
  const all = runs.map(({ peakBytes }) => peakBytes)
  const least = typical.ending.kind === 'killed for memory' ? '≥ ' : ''
  return `${least}${mebibytes(Math.max(...all))}`
}

export function endedAfter({ ending }: CellResult): string | undefined {
  return 'atSeconds' in ending ? `after ${seconds(ending.atSeconds)}` : undefined
}
