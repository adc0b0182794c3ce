import { relative } from 'node:path'
import { cac } from 'cac'
import { forcedCage } from '../cage/cage.ts'
import { machineLine, thisMachine } from '../machine.ts'
import { allNamed } from '../named.ts'
import { haproxyVersion } from '../pods/haproxy-process.ts'
import { resultsFolder } from '../results-folder.ts'
import { runCommand } from '../run-command.ts'
import { contenderNames, isPlimsoll } from './contenders.ts'
import { proxies } from './front.ts'
import { measureCapacity, runCell } from './run-cell.ts'
import { readReport, writeReport } from './scale-report.ts'
import { type CellResult, lived, type ScaleRun } from './scale-result.ts'
import { terminalTable } from './scale-table.ts'

interface Options {
  readonly contender: string
  readonly times: string | number
  readonly runs: number
  readonly seconds: number
  readonly limit: number
  readonly maxconn: number
  readonly capacity?: number
  readonly cage: string
  readonly add?: boolean
  readonly commitResults?: boolean
  readonly out?: string
}

const cli = cac('scale')
cli
  .command('', 'Goodput, p99 and memory by the offered load, from a tenth of the capacity to twenty times it')
  .option('--contender <names>', 'By comma', { default: contenderNames.join(',') })
  .option('--times <numbers>', 'Offered loads in times of the capacity, by comma', {
    default: '0.1,0.5,0.9,1.2,2,5,10,20',
  })
  .option('--runs <n>', 'Runs of each, with a fresh server', { default: 3 })
  .option('--seconds <n>', 'Of arrivals in a run; the first quarter does not count', { default: 12 })
  .option('--limit <MiB>', 'Memory of the container', { default: 512 })
  .option('--maxconn <n>', 'Of HAProxy, for the server', { default: 16 })
  .option('--capacity <n>', 'Requests a second, where they are not to be measured')
  .option('--cage <kind>', 'auto, or supervisor: do without the kernel', { default: 'auto' })
  .option('--add', 'Add to the runs that are there, at their capacity')
  .option('--commit-results', 'Write to bench/results, which git keeps, instead of bench/results/latest')
  .option('--out <folder>', 'Write there')
  .action(compare)
await runCommand(cli)

async function compare(options: Options): Promise<void> {
  const { seconds, maxconn, runs } = options
  const machine = thisMachine()
  console.log(machineLine(machine))
  const chosen = allNamed('--contender', options.contender, contenderNames)
  if (chosen.some(contender => contender in proxies)) haproxyVersion()
  const forced = forcedCage(options.cage)
  const folder = resultsFolder(options)
  const kept = options.add ? readReport(folder) : undefined
  const capacity = kept?.capacity ?? options.capacity ?? (await measureCapacity(10, forced))
  console.error(`scale: capacity ${capacity.toFixed(1)} requests a second`)
  const cells: CellResult[] = [...(kept?.cells ?? [])]
  const first = Math.max(0, ...cells.map(({ run }) => run)) + 1
  for (let run = first; run < first + runs; run++) {
    for (const times of String(options.times).split(',').map(Number)) {
      for (const contender of chosen) {
        const cell = await runCell(contender, times, run, {
          limitBytes: options.limit * 2 ** 20,
          ...forced,
          maxconn,
          capacity,
          seconds,
        })
        console.error(
          `scale: run ${run}, ${times} times, ${contender}: ${cell.goodput.toFixed(1)} a second, ${cell.ending.kind}`,
        )
        cells.push(cell)
      }
    }
  }
  const run: ScaleRun = { measuredAt: new Date().toISOString(), machine, capacity, seconds, maxconn, cells }
  console.log(`\n${terminalTable(run)}\n`)
  console.log(`Picture: ${relative('', writeReport(run, folder))}`)
  if (!cells.filter(({ contender }) => isPlimsoll(contender)).every(lived)) {
    console.error('Plimsoll did not live within its limit at each load.')
    process.exitCode = 1
  }
}
