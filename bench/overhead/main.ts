import { relative } from 'node:path'
import { cac } from 'cac'
import { machineLine, thisMachine } from '../machine.ts'
import { allNamed } from '../named.ts'
import { resultsFolder } from '../results-folder.ts'
import { runCommand } from '../run-command.ts'
import { frameworks, protocols } from './contenders.ts'
import { type Measured, measure } from './measure.ts'
import { readReport, writeReport } from './overhead-report.ts'
import { besideThem, type OverheadResult, type OverheadRun } from './overhead-result.ts'
import { terminalTable } from './overhead-table.ts'
import { routes } from './routes.ts'

interface Options {
  readonly framework?: string
  readonly route?: string
  readonly protocol: string | number
  readonly runs: number
  readonly seconds: number
  readonly warm: number
  readonly keep?: boolean
  readonly commitResults?: boolean
  readonly out?: string
}

/** As the option has them: `1`, `2`. */
const versions = protocols.map(protocol => ({ name: protocol.replace('HTTP/', ''), protocol }))

const cli = cac('overhead')
cli
  .command('', 'What a request costs that has its room: with nothing in front, and with what protects')
  .option('--framework <names>', `Only these, by comma: ${frameworks.map(({ name }) => name).join(', ')}`)
  .option('--route <names>', `Only these, by comma: ${routes.map(({ name }) => name).join(', ')}`)
  .option('--protocol <numbers>', 'HTTP/1, HTTP/2', { default: '1,2' })
  .option('--runs <n>', 'Runs of each framework and route, with fresh processes', { default: 3 })
  .option('--seconds <n>', 'Of load on each server in a run, in turns of one second', { default: 4 })
  .option('--warm <seconds>', 'Of load on each server before', { default: 10 })
  .option('--keep', 'Keep the figures that are there of what is not measured now')
  .option('--commit-results', 'Write to bench/results, which git keeps, instead of bench/results/latest')
  .option('--out <folder>', 'Write there')
  .action(compare)
await runCommand(cli)

async function compare(options: Options): Promise<void> {
  const { runs, seconds, warm: warmSeconds } = options
  const machine = thisMachine()
  console.log(machineLine(machine))
  const chosen = allNamed('--framework', options.framework, frameworks)
  const spoken = allNamed('--protocol', String(options.protocol), versions)
  const results: OverheadResult[] = []
  for (const { protocol } of spoken) {
    for (const { name: route } of allNamed('--route', options.route, routes)) {
      for (const framework of chosen.filter(one => one.protocols.includes(protocol))) {
        const sideBySide = framework.inFront.map(inFront => ({ framework: framework.name, inFront }))
        const measured: Measured[][] = []
        for (let run = 1; run <= runs; run++) {
          console.error(`overhead: ${protocol}, ${route}, ${framework.name}, run ${run} of ${runs}`)
          // Nobody is always the first to be started and warm.
          const inTurn = run % 2 === 1 ? sideBySide : sideBySide.toReversed()
          const ofRun = await measure(inTurn, { route, protocol, seconds, warmSeconds })
          measured.push(run % 2 === 1 ? ofRun : ofRun.reverse())
        }
        const measuredAt = new Date().toISOString()
        for (const [at, contender] of sideBySide.entries()) {
          const ofContender = measured.map(run => run[at] as Measured)
          results.push({ protocol, route, ...contender, measuredAt, runs: ofContender })
        }
      }
    }
  }
  const folder = resultsFolder(options)
  const fresh: OverheadRun = { machine, seconds, warmSeconds, results }
  const kept = options.keep ? readReport(folder) : undefined
  const run = kept === undefined ? fresh : besideThem(fresh, kept)
  console.log(`\n${terminalTable(run)}\n`)
  console.log(`Picture: ${relative('', writeReport(run, folder))}`)
}
