import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { cac } from 'cac'
import { machineLine, thisMachine } from '../machine.ts'
import { measureInProcess } from '../measuring-process.ts'
import { resultsFolder } from '../results-folder.ts'
import { runCommand } from '../run-command.ts'
import { median, spreadOf } from '../statistics.ts'
import type { GrantRounds } from './measure-grants.ts'
import type { PairRounds } from './measure-pairs.ts'
import { renderSemaphoreChart } from './semaphore-chart.ts'
import type { Comparison, SemaphoreRun } from './semaphore-result.ts'
import { semaphoreTable } from './semaphore-table.ts'

const QUEUES = [1_000, 10_000, 100_000, 1_000_000]

interface Options {
  readonly processes: number
  readonly commitResults?: boolean
  readonly out?: string
}

const cli = cac('semaphore')
cli
  .command('', 'ByteBudget against async-sema: a pair of calls, and a grant from a long queue')
  .option('--processes <n>', 'Fresh processes for each figure', { default: 3 })
  .option('--commit-results', 'Write to bench/results, which git keeps, instead of bench/results/latest')
  .option('--out <folder>', 'Write there')
  .action(compare)
await runCommand(cli)

async function compare(options: Options): Promise<void> {
  console.log(machineLine(thisMachine()))
  console.error('semaphore: pairs')
  const pairs = await inProcesses<PairRounds>('./measure-pairs.ts', [], options.processes)
  const grants: SemaphoreRun['grants'][number][] = []
  for (const waiters of QUEUES) {
    console.error(`semaphore: a queue of ${waiters.toLocaleString('en-US')}`)
    const rounds = await inProcesses<GrantRounds>('./measure-grants.ts', [String(waiters)], options.processes)
    grants.push({ waiters, ...compared(rounds) })
  }
  const run: SemaphoreRun = {
    measuredAt: new Date().toISOString(),
    machine: thisMachine(),
    processes: options.processes,
    pair: compared(pairs),
    grants,
  }
  console.log(`\n${semaphoreTable(run)}\n`)
  const folder = resultsFolder(options)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'semaphore.json'), `${JSON.stringify(run, undefined, 2)}\n`)
  const picture = join(folder, 'semaphore.svg')
  writeFileSync(picture, renderSemaphoreChart(run))
  console.log(`Picture: ${relative('', picture)}`)
}

/**
 * No gc() before a timing, tidy as it would be: a full collection also throws compiled code away,
 * and a grant from a queue of 1,000 then takes 3 µs instead of 60 ns.
 */
async function inProcesses<T>(module: string, args: string[], processes: number): Promise<T[]> {
  const reports: T[] = []
  for (let i = 0; i < processes; i++) {
    const heap = '--max-old-space-size=4096'
    reports.push(await measureInProcess<T>(new URL(module, import.meta.url), args, [heap]))
  }
  return reports
}

/**
 * A round lasts too little to be a figure of its own, so each process gives one ratio of medians,
 * and the spread is the one between processes.
 */
function compared(reports: readonly PairRounds[]): Comparison {
  const ours = reports.map(report => median(report.byteBudget))
  const theirs = reports.map(report => median(report.asyncSema))
  return {
    byteBudgetNs: spreadOf(ours),
    asyncSemaNs: spreadOf(theirs),
    ratio: spreadOf(ours.map((nanoseconds, i) => nanoseconds / (theirs[i] ?? Number.NaN))),
  }
}
