import { relative } from 'node:path'
import { cac } from 'cac'
import { forcedCage, openCage } from '../cage/cage.ts'
import type { FloodRun } from '../flood/flood-result.ts'
import { terminalTable } from '../flood/flood-table.ts'
import { machineLine, thisMachine } from '../machine.ts'
import { allNamed } from '../named.ts'
import { resultsFolder } from '../results-folder.ts'
import { runCommand } from '../run-command.ts'
import { type Contender, leastconn, plimsoll } from './contenders.ts'
import { type CrowdResult, type CrowdRun, crowdAtAgent } from './crowd.ts'
import { crowdTable } from './crowd-table.ts'
import { haproxyVersion } from './haproxy-process.ts'
import { loadMixed, type MixedResult, type MixedRun } from './mixed.ts'
import { mixedTable } from './mixed-table.ts'
import { floodOnePod } from './one.ts'
import { writeReports } from './pods-report.ts'
import { type RestartResult, type RestartRun, restartUnderLoad } from './restart.ts'
import { restartTable } from './restart-table.ts'

const QUESTIONS = ['one', 'mixed', 'restart', 'crowd'] as const

interface Options {
  readonly question: string
  readonly runs: number
  readonly clients: number
  readonly requests: number
  readonly scenario?: string
  readonly contender?: string
  readonly cage: string
  readonly commitResults?: boolean
  readonly out?: string
}

const cli = cac('pods')
cli
  .command('', 'Pods of the example behind a real HAProxy')
  .option('--question <names>', `Which, by comma: ${QUESTIONS.join(', ')}`, { default: QUESTIONS.join(',') })
  .option('--runs <n>', 'Runs of each', { default: 1 })
  .option('--clients <n>', 'At once, of mixed and restart', { default: 128 })
  .option('--requests <n>', 'In all, of mixed', { default: 3000 })
  .option('--scenario <names>', 'Of one: uploads, mixed, parts, by comma')
  .option('--contender <text>', 'Of mixed: those whose name has it')
  .option('--cage <kind>', 'auto, or supervisor: do without the kernel', { default: 'auto' })
  .option('--commit-results', 'Write to bench/results, which git keeps, instead of bench/results/latest')
  .option('--out <folder>', 'Write there')
  .action(answer)
await runCommand(cli)

async function answer(options: Options): Promise<void> {
  const asked = allNamed('--question', options.question, QUESTIONS)
  console.log(`${machineLine(thisMachine())}, HAProxy ${haproxyVersion()}`)
  const cage = forcedCage(options.cage)
  tellOfStandIn(cage)
  const one = asked.includes('one') ? await flooded(options, cage) : undefined
  const mixed = asked.includes('mixed') ? await compared(options, cage) : undefined
  const restart = asked.includes('restart') ? await restarted(options, cage) : undefined
  const crowd = asked.includes('crowd') ? await crowded(options, cage) : undefined
  const runs = {
    ...(one && { one }),
    ...(mixed && { mixed }),
    ...(restart && { restart }),
    ...(crowd && { crowd }),
  }
  for (const picture of writeReports(runs, resultsFolder(options))) {
    console.log(`Picture: ${relative('', picture)}`)
  }
}

type Cage = ReturnType<typeof forcedCage>

/** Before it begins, since it takes a while. */
function tellOfStandIn({ forceCage }: Cage): void {
  const cage = openCage(2 ** 28, forceCage)
  cage.remove()
  if (cage.standsInBecause === undefined) return
  console.log(`NOT REAL CONTAINERS: a supervisor stands in for the kernel, since ${cage.standsInBecause}.`)
}

async function flooded({ runs, scenario }: Options, cage: Cage): Promise<FloodRun> {
  const run = await floodOnePod(runs, cage, scenario?.split(','))
  console.log(`\n${terminalTable(run.results)}\n`)
  return run
}

async function compared(options: Options, cage: Cage): Promise<MixedRun> {
  const { clients, requests, contender: wanted = '' } = options
  const contenders: readonly Contender[] = [...leastconn, plimsoll].filter(({ name }) =>
    name.includes(wanted),
  )
  const results: MixedResult[] = []
  // In turns: whatever else the machine does falls on all of them.
  for (let seed = 1; seed <= options.runs; seed++) {
    for (const contender of contenders)
      results.push(await loadMixed(contender, seed, { ...cage, clients, requests }))
  }
  const run = { ...when(), clients, results }
  console.log(`\n${mixedTable(run)}`)
  return run
}

async function restarted({ runs, clients }: Options, cage: Cage): Promise<RestartRun> {
  const results: RestartResult[] = []
  for (let seed = 1; seed <= runs; seed++) results.push(await restartUnderLoad(seed, { ...cage, clients }))
  const run = { ...when(), clients, results }
  console.log(`\n${restartTable(run)}`)
  return run
}

async function crowded({ runs }: Options, cage: Cage): Promise<CrowdRun> {
  const results: CrowdResult[] = []
  for (let run = 1; run <= runs; run++) results.push(await crowdAtAgent(cage))
  const run = { ...when(), results }
  console.log(`\n${crowdTable(run)}`)
  return run
}

function when() {
  return { measuredAt: new Date().toISOString(), machine: thisMachine(), haproxy: haproxyVersion() }
}
