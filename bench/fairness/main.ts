import { relative } from 'node:path'
import { cac } from 'cac'
import { forcedCage } from '../cage/cage.ts'
import { Progress } from '../flood/progress.ts'
import { type Framework, frameworks } from '../flood/servers.ts'
import { ending, peak } from '../flood/wording.ts'
import { machineLine, thisMachine } from '../machine.ts'
import { allNamed } from '../named.ts'
import { resultsFolder } from '../results-folder.ts'
import { runCommand } from '../run-command.ts'
import { asked } from './asks.ts'
import { writeReport } from './fairness-report.ts'
import type { FairnessResult } from './fairness-result.ts'
import { terminalTable } from './fairness-table.ts'
import { runScenario } from './run-scenario.ts'
import { knownRequests, type Scenario, scenarioNamed, scenarios } from './scenarios.ts'
import { type ServerKind, serverKinds, serverNames } from './servers.ts'

const MiB = 2 ** 20

interface Options {
  readonly framework: string
  readonly scenario: string
  readonly server: string
  readonly runs: number
  readonly budget: string
  readonly limit: number
  readonly cage: string
  readonly commitResults?: boolean
  readonly out?: string
}

const cli = cac('fairness')
cli
  .command('', 'Who is still served beside clients that stall?')
  .option('--framework <names>', `By comma: ${frameworks.join(', ')}`, { default: frameworks.join(',') })
  .option('--scenario <names>', 'By comma', { default: scenarios.map(({ name }) => name).join(',') })
  .option('--server <names>', `By comma: ${serverKinds.join(', ')}`, { default: serverKinds.join(',') })
  .option('--runs <n>', 'Runs of each server, in turns', { default: 1 })
  .option('--budget <size>', 'Bytes of the semaphore, and budget of Plimsoll', { default: '64MiB' })
  .option('--limit <MiB>', 'Memory of the container', { default: 512 })
  .option('--cage <kind>', 'auto, or supervisor: do without the kernel', { default: 'auto' })
  .option('--commit-results', 'Write to bench/results, which git keeps, instead of bench/results/latest')
  .option('--out <folder>', 'Write there')
  .action(compare)
await runCommand(cli)

async function compare(options: Options): Promise<void> {
  console.log(machineLine(thisMachine()))
  const chosen = allNamed('--scenario', options.scenario, scenarios)
  const servers = allNamed('--server', options.server, serverKinds)
  for (const framework of allNamed('--framework', options.framework, frameworks)) {
    const results: FairnessResult[] = []
    for (const scenario of chosen) {
      for (let run = 1; run <= options.runs; run++) {
        for (const server of servers) results.push(await runOnce(scenario, framework, server, options))
      }
    }
    console.log(`\n${terminalTable(results)}\n`)
    tellWhatWasAsked(framework, results)
    const run = {
      measuredAt: new Date().toISOString(),
      machine: thisMachine(),
      framework,
      budget: options.budget,
      results,
    }
    console.log(`Picture: ${relative('', writeReport(run, resultsFolder(options)))}`)
  }
}

async function runOnce(
  scenario: Scenario,
  framework: Framework,
  server: ServerKind,
  { budget, limit, cage }: Options,
): Promise<FairnessResult> {
  const forced = forcedCage(cage)
  const limitBytes = limit * MiB
  const progress = new Progress(
    `${scenario.name}, ${framework}, ${server}`,
    knownRequests(scenario),
    limitBytes,
  )
  const result = await runScenario(scenario, { framework, server, budget, limitBytes, ...forced }, progress)
  const served = result.load.honest.map(({ answered, requests }) => `${answered} of ${requests}`).join(', ')
  progress.done(`${served} served, ${ending(result)}, peak ${peak(result)}`)
  if (result.ending.kind === 'died') console.error(result.ending.stderr)
  return result
}

/** The others are there to compare with: nothing is asked of them. */
function tellWhatWasAsked(framework: Framework, results: readonly FairnessResult[]): void {
  for (const result of results.filter(({ server }) => server === 'plimsoll' || server === 'shares')) {
    const missed = asked(scenarioNamed(result.scenario), result).filter(({ met }) => !met)
    if (missed.length > 0) process.exitCode = 1
    const texts = missed.map(({ text }) => text).join('; ')
    const verdict = missed.length > 0 ? `NOT MET: ${texts}` : 'met'
    console.log(`${result.scenario} on ${framework} with ${serverNames[result.server]}: ${verdict}`)
  }
}
