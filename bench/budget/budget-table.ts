import Table from 'cli-table3'
import { plainTable } from '../plain-table.ts'
import {
  type BudgetRun,
  type Cell,
  cellAt,
  flatness,
  OURS,
  overBestPeer,
  type Stop,
} from './budget-result.ts'
import { type Figure, figures, questions } from './questions.ts'

const THOUSAND = 1_000

export function budgetTable(run: BudgetRun): string {
  const names = [...new Set(run.cells.map(({ contender }) => contender))]
  const table = new Table({
    head: ['ns', ...names, 'over the best peer'],
    colAligns: ['left', ...names.map(() => 'right' as const), 'right'],
    ...plainTable,
  })
  for (const [figure, title] of Object.entries(figures) as [Figure, string][]) {
    for (const waiters of lengthsIn(run, figure)) {
      const ratio = overBestPeer(run, figure, waiters)
      table.push([
        waiters === 0 ? title : `${title}, ${waiters.toLocaleString('en-US')} waiting`,
        ...names.map(name => cellIn(run, name, figure, waiters)),
        ratio === undefined ? '' : ratio.toFixed(2),
      ])
    }
  }
  return [table.toString(), footnote(run), ...flatLines(run), ...run.stopped.map(stopLine(run))].join('\n')
}

export function lengthsIn(run: BudgetRun, figure: Figure): number[] {
  const of = run.cells.filter(cell => cell.figure === figure)
  return [...new Set(of.map(({ waiters }) => waiters))].sort((a, b) => a - b)
}

function cellIn(run: BudgetRun, contender: string, figure: Figure, waiters: number): string {
  const cell = cellAt(run, contender, figure, waiters)
  if (cell === undefined) return '–'
  const { median, lowest, highest } = cell.nanoseconds
  return `${brief(median)} (${brief(lowest)} to ${brief(highest)})`
}

/** Three digits. */
function brief(nanoseconds: number): string {
  return nanoseconds < 100
    ? nanoseconds.toFixed(nanoseconds < 10 ? 2 : 1)
    : Number(nanoseconds.toPrecision(3)).toLocaleString('en-US')
}

function footnote({ processes, limitSeconds }: BudgetRun): string {
  return `median (lowest to highest) of ${processes} processes; –: it has none, or a round took more than ${limitSeconds} s`
}

function flatLines(run: BudgetRun): string[] {
  return (['grant', 'cancel', 'mixed'] as const)
    .filter(figure => run.cells.some(cell => isOurs(cell, figure) && cell.waiters > THOUSAND))
    .map(
      figure =>
        `${OURS}, ${figures[figure]}: dearest over cheapest from ${THOUSAND.toLocaleString('en-US')} waiting on ${flatness(run, OURS, figure, THOUSAND).toFixed(2)}`,
    )
}

function isOurs({ contender, figure }: Cell, wanted: Figure): boolean {
  return contender === OURS && figure === wanted
}

function stopLine({ limitSeconds }: BudgetRun) {
  return ({ contender, question, waiters }: Stop): string =>
    `${contender}, ${questions[question].title}: stopped at ${waiters.toLocaleString('en-US')} waiting, a round took more than ${limitSeconds} s`
}
