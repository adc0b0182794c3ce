import { mebibytes, seconds } from '../flood/wording.ts'
import type { CellResult } from './cell-result.ts'
import { lived } from './cell-result.ts'
import type { MatrixCell } from './matrix.ts'

/** In one word, what became of it. */
export function fate({ survived, runs, typical }: MatrixCell): string {
  if (survived) return 'survived'
  const died = runs.filter(result => !lived(result)).length
  const word = fateOf(typical)
  return runs.length > 1 && died < runs.length ? `${word}, ${died} runs of ${runs.length}` : word
}

function fateOf({ ending }: CellResult): string {
  switch (ending.kind) {
    case 'killed for memory':
      return 'killed'
    case 'died':
      // V8 ends a process so whose heap is full.
      return ending.exitCode === 134 || /heap out of memory/.test(ending.stderr) ? 'out of heap' : 'died'
    case 'alive':
      return 'over the limit'
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
