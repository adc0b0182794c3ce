import { relative } from 'node:path'
import { cac } from 'cac'
import { forcedCage } from '../cage/cage.ts'
import { Progress } from '../flood/progress.ts'
import { ending, peak } from '../flood/wording.ts'
import { machineLine, thisMachine } from '../machine.ts'
import { allNamed } from '../named.ts'
import { resultsFolder } from '../results-folder.ts'
import { runCommand } from '../run-command.ts'
import { readReport, writeReport } from './amplifier-report.ts'
import type { AmplifierResult, AmplifierRun } from './amplifier-result.ts'
import { terminalTable } from './amplifier-table.ts'
import { runContender } from './run-contender.ts'
import { contenders, steps } from './steps.ts'
import { verdictOf } from './verdict.ts'

interface Options {
  readonly step?: string
  readonly server?: string
  readonly budget: string
  readonly limit: number
  readonly seconds: number
  readonly perSecond: number
  readonly cage: string
  readonly add?: boolean
  readonly commitResults?: boolean
  readonly out?: string
}

const cli = cac('amplifier')
cli
  .command('', 'What do harmless faults make of one load together, and what do guards take away?')
  .option('--step <names>', `Up to which fault, by comma: ${steps.map(step => step.turnedOn).join(', ')}`)
  .option('--server <names>', `By comma: ${contenders.join(', ')}`)
  .option('--budget <size>', 'Budget of the guarded server', { default: '64MiB' })
  .option('--limit <MiB>', 'Memory of the container', { default: 256 })
  .option('--seconds <n>', 'How long visitors come', { default: 10 })
  .option('--per-second <n>', 'Visitors a second', { default: 50 })
  .option('--cage <kind>', 'auto, or supervisor: do without the kernel', { default: 'auto' })
  .option('--add', 'Add another run to the figures that are there')
  .option('--commit-results', 'Write to bench/results, which git keeps, instead of bench/results/latest')
  .option('--out <folder>', 'Write there')
  .action(measure)
await runCommand(cli)

async function measure(options: Options): Promise<void> {
  const { step, server, budget, limit, seconds, perSecond, cage } = options
  const machine = thisMachine()
  console.log(machineLine(machine))
  const limitBytes = limit * 2 ** 20
  const load = { limitBytes, budget, seconds, perSecond, ...forcedCage(cage) }
  const results: AmplifierResult[] = []
  const turnedOn = allNamed(
    '--step',
    step,
    steps.map(({ turnedOn }) => turnedOn),
  )
  const servers = allNamed('--server', server, contenders)
  for (const each of steps.filter(each => turnedOn.includes(each.turnedOn))) {
    for (const contender of servers) {
      const progress = new Progress(`${each.turnedOn}, ${contender}`, seconds * perSecond, limitBytes)
      const result = await runContender(each, contender, load, progress)
      progress.done(
        `${result.visitors.useful} of ${result.visitors.sent} useful, ${ending(result)}, peak ${peak(result)}, ${result.connections} sockets, ${JSON.stringify(result.visitors.byEnding)}`,
      )
      results.push(result)
    }
  }
  const folder = resultsFolder(options)
  const fresh: AmplifierRun = { measuredAt: new Date().toISOString(), machine, budget, perSecond, results }
  const run = options.add ? beside(readReport(folder), fresh) : fresh
  console.log(`\n${terminalTable(run)}\n`)
  console.log(`Picture: ${relative('', writeReport(run, folder))}`)
  const faults = verdictOf(run)
  for (const fault of faults) console.log(fault)
  if (faults.length > 0) process.exitCode = 1
}

function beside(kept: AmplifierRun, fresh: AmplifierRun): AmplifierRun {
  const same = ({ budget, perSecond, machine, results: [any] }: AmplifierRun): string =>
    JSON.stringify([budget, perSecond, machine, any?.visitors.seconds, any?.cage])
  if (same(kept) !== same(fresh)) throw new TypeError('--add: what is there was measured in another way')
  return { ...fresh, results: [...kept.results, ...fresh.results] }
}
