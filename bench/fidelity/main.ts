import { relative } from 'node:path'
import { parseByteSize } from '@plimsoll/core'
import { cac } from 'cac'
import { forcedCage } from '../cage/cage.ts'
import { machineLine, thisMachine } from '../machine.ts'
import { resultsFolder } from '../results-folder.ts'
import { runCommand } from '../run-command.ts'
import { writeReport } from './fidelity-report.ts'
import type { FidelityResult, FidelityRun } from './fidelity-result.ts'
import { terminalTable } from './fidelity-table.ts'
import { measureFidelity } from './measure-fidelity.ts'

interface Options {
  readonly budget: string
  readonly clients: number
  readonly seconds: number
  readonly seed: number
  readonly limit: number
  readonly cage: string
  readonly commitResults?: boolean
  readonly out?: string
}

const cli = cac('fidelity')
cli
  .command('', 'What is reserved beside what is really in memory, ten times a second')
  .option('--budget <size>', 'Of Plimsoll, which is told nothing else', { default: '64MiB' })
  .option('--clients <n>', 'At the most; their number swings', { default: 48 })
  .option('--seconds <n>', 'Of load', { default: 150 })
  .option('--seed <n>', 'The same seed, the same requests', { default: 1 })
  .option('--limit <MiB>', 'Memory of the container', { default: 512 })
  .option('--cage <kind>', 'auto, or supervisor: do without the kernel', { default: 'auto' })
  .option('--commit-results', 'Write to bench/results, which git keeps, instead of bench/results/latest')
  .option('--out <folder>', 'Write there')
  .action(measure)
await runCommand(cli)

async function measure(options: Options): Promise<void> {
  const { budget, clients, seconds, seed } = options
  const machine = thisMachine()
  console.log(machineLine(machine))
  const results: FidelityResult[] = []
  for (const collects of [false, true]) {
    console.error(`fidelity: ${seconds} s of load, ${collects ? 'garbage collected' : 'as it is'}`)
    results.push(
      await measureFidelity({
        limitBytes: options.limit * 2 ** 20,
        ...forcedCage(options.cage),
        budget,
        clients,
        seconds,
        seed,
        collects,
      }),
    )
  }
  const run: FidelityRun = {
    measuredAt: new Date().toISOString(),
    machine,
    budgetBytes: parseByteSize(budget),
    clients,
    seconds,
    results,
  }
  console.log(`\n${terminalTable(run)}\n`)
  console.log(`Picture: ${relative('', writeReport(run, resultsFolder(options)))}`)
}
