import Table from 'cli-table3'
import type { FloodResult } from '../flood/flood-result.ts'
import type { Tuning } from '../flood/tuning.ts'
import { mebibytes } from '../flood/wording.ts'
import { plainTable } from '../plain-table.ts'
import { spreadOf } from '../statistics.ts'
import { type AdviceRun, bestByHand, goodput } from './advice-result.ts'

/** What came of each way of tuning, for a terminal. */
export function adviceTable(run: AdviceRun): string {
  const table = new Table({
    head: ['flood', 'told by', 'answered', 'peak', 'MB/s', 'of the best by hand'],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right'],
    ...plainTable,
  })
  for (const row of rowsOf(run)) table.push([...row])
  return table.toString()
}

/** The same in Markdown. */
export function adviceMarkdown(run: AdviceRun): string {
  const { fixed, perByte } = run.advice.upload
  return [
    '| flood | told by | answered | peak | MB/s | of the best by hand |',
    '| --- | --- | ---: | ---: | ---: | ---: |',
    ...rowsOf(run).map(row => `| ${row.join(' | ')} |`),
    '',
    `Recommended: a budget of ${mebibytes(run.advice.budget)} (${run.because}); an upload costs ${fixed} bytes and ${perByte} ` +
      `for each of its body, a download ${mebibytes(run.advice.download.fixed)}.`,
    '',
  ].join('\n')
}

function rowsOf({ floods }: AdviceRun): string[][] {
  return floods.flatMap(flooded => {
    const best = bestByHand(flooded)
    return flooded.told.map(told => [
      flooded.scenario,
      inWords(told.tuning),
      span(told.runs, run => run.answered, String, ` of ${told.runs[0]?.requests}`),
      span(told.runs, run => run.peakBytes, mebibytes),
      span(
        told.runs,
        run => run.megabytesPerSecond,
        speed => speed.toFixed(0),
      ),
      best === undefined ? '–' : (goodput(told) / goodput(best)).toFixed(2),
    ])
  })
}

export function inWords(tuning: Tuning): string {
  switch (tuning.by) {
    case 'hand':
      return `hand, ${tuning.budget}`
    case 'nobody':
      return 'nobody'
    case 'report':
      return 'the report'
  }
}

/** The median, and from where to where. */
function span(
  runs: readonly FloodResult[],
  figure: (run: FloodResult) => number,
  words: (value: number) => string,
  unit = '',
): string {
  const { median, lowest, highest } = spreadOf(runs.map(figure))
  const all = lowest === highest ? '' : ` (${words(lowest)} to ${words(highest)})`
  return `${words(median)}${all}${unit}`
}
