import { join, relative } from 'node:path'
import { cac } from 'cac'
import { forcedCage } from '../cage/cage.ts'
import { Progress } from '../flood/progress.ts'
import { machineLine, thisMachine } from '../machine.ts'
import { allNamed } from '../named.ts'
import { haproxyVersion } from '../pods/haproxy-process.ts'
import { resultsFolder } from '../results-folder.ts'
import { runCommand } from '../run-command.ts'
import { type Cell, isSame, keepCell, readCells } from './cell-files.ts'
import { goodput, lived } from './cell-result.ts'
import { type Column, columnNames } from './columns.ts'
import { briefRows, type Row, rows } from './rows.ts'
import { LIMIT_BYTES, runCell } from './run-cell.ts'
import { writeReport } from './survival-report.ts'
import { secondsLeft, timeSaid } from './time-left.ts'
import { verdictOf } from './verdict.ts'

/** What the short form compares. */
const BRIEF_COLUMNS: readonly Column[] = ['unlimited', 'nothing', 'budget']

interface Options {
  readonly row?: string
  readonly column?: string
  readonly runs: number
  readonly brief?: boolean
  readonly again?: boolean
  readonly cage: string
  readonly commitResults?: boolean
  readonly out?: string
}

const cli = cac('survival')
cli
  .command(
    '',
    'Who survives what, in a container of 512 MiB? Cells that are measured already are not measured again',
  )
  .option('--row <names>', `By comma: ${rows.map(({ name }) => name).join(', ')}`)
  .option('--column <names>', `By comma: ${columnNames.join(', ')}`)
  .option('--runs <n>', 'Runs of each cell, in turns', { default: 1 })
  .option('--again', 'Measure cells again that are there')
  .option('--brief', 'A few small cells, to a folder of their own')
  .option('--cage <kind>', 'auto, or supervisor: do without the kernel', { default: 'auto' })
  .option('--commit-results', 'Write to bench/results, which git keeps, instead of bench/results/latest')
  .option('--out <folder>', 'Write there')
  .action(measure)
await runCommand(cli)

async function measure(options: Options): Promise<void> {
  const brief = options.brief === true
  const all = brief ? briefRows : rows
  const folder = brief ? join(resultsFolder(options), 'brief') : resultsFolder(options)
  const chosen = allNamed('--row', options.row, all)
  const columns = allNamed('--column', options.column, brief ? BRIEF_COLUMNS : columnNames)
  const known = readCells(folder)
  const todo = cellsOf(chosen, columns, options.runs).filter(
    cell => options.again || !known.some(measured => isSame(measured, cell)),
  )
  if (todo.some(({ column }) => column === 'haproxy')) console.log(`HAProxy ${haproxyVersion()}`)
  console.log(machineLine(thisMachine()))
  for (const [index, cell] of todo.entries()) {
    const left = timeSaid(secondsLeft(todo.slice(index), readCells(folder)))
    console.error(`cell ${index + 1} of ${todo.length}, about ${left} left`)
    // One that comes to nothing is missing, and measured the next time; the others go on.
    await measureCell(all, cell, folder, options).catch((error: Error) => {
      console.error(`${cell.row}, ${cell.column}: ${error.message}`)
      process.exitCode = 1
    })
  }
  const { matrix, page } = writeReport(folder, all)
  const { lines, passed } = verdictOf(matrix)
  for (const line of lines) console.log(line)
  console.log(`Page: ${relative('', page)}`)
  if (!passed) process.exitCode = 1
}

async function measureCell(all: readonly Row[], cell: Cell, folder: string, options: Options): Promise<void> {
  const row = all.find(({ name }) => name === cell.row) as Row
  const requests = row.sends.reduce(
    (sum, { requests, forMs }) => sum + (forMs === undefined ? requests : 0),
    0,
  )
  const progress = new Progress(`${cell.row}, ${cell.column}, run ${cell.run}`, requests, LIMIT_BYTES)
  const forced = forcedCage(options.cage)
  const result = await runCell(row, cell, { brief: options.brief === true, ...forced }, progress)
  keepCell(folder, result)
  const { answered, ending, refused, resets, peakBytes, tookSeconds, prober } = result
  const said = `${answered} of ${result.requests} answered, ${refused} refused, ${resets} reset, ${goodput(result).toFixed(1)} MB/s`
  const small = `small ${prober.answered} of ${prober.requests}, p99 ${prober.p99Ms?.toFixed(0) ?? '–'} ms`
  const fate = lived(result) ? 'alive' : `${ending.kind}`
  progress.done(
    `${said}; ${small}; ${fate}, peak ${(peakBytes / 2 ** 20).toFixed(0)} MiB; ${tookSeconds.toFixed(0)} s`,
  )
  if (ending.kind === 'died') console.error(ending.stderr)
}

/** Run by run and row by row, so that what is compared was measured one after the other. */
function cellsOf(chosen: readonly Row[], columns: readonly Column[], runs: number): Cell[] {
  const cells: Cell[] = []
  for (let run = 1; run <= runs; run++) {
    for (const { name } of chosen) for (const column of columns) cells.push({ row: name, column, run })
  }
  return cells
}
