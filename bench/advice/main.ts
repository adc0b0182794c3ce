import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { cac } from 'cac'
import { Progress } from '../flood/progress.ts'
import { runFlood } from '../flood/run-flood.ts'
import { scenarios, totalRequests } from '../flood/scenarios.ts'
import { type Framework, frameworks } from '../flood/servers.ts'
import { adviceOf, type Tuning } from '../flood/tuning.ts'
import { mebibytes } from '../flood/wording.ts'
import { machineLine, thisMachine } from '../machine.ts'
import { allNamed, named } from '../named.ts'
import { resultsFolder } from '../results-folder.ts'
import { runCommand } from '../run-command.ts'
import { type AdviceRun, type Flooded, isWhole } from './advice-result.ts'
import { adviceMarkdown, adviceTable, inWords } from './advice-table.ts'
import { observe } from './observe.ts'

const MiB = 2 ** 20
const STOP_AFTER_MS = 60_000
const FLOODS = ['uploads', 'downloads', 'parts']
const BY_HAND = ['64MiB', '96MiB', '128MiB', '192MiB']

interface Options {
  readonly framework: string
  readonly runs: number
  readonly limit: number
  readonly commitResults?: boolean
  readonly out?: string
}

const cli = cac('advice')
cli
  .command('', 'How good are the budget and the costs that a report recommends, beside those by hand?')
  .option('--framework <names>', `Which, by comma: ${frameworks.join(', ')}`, { default: 'fastify' })
  .option('--runs <n>', 'Runs of each server', { default: 3 })
  .option('--limit <MiB>', 'Memory of the container', { default: 512 })
  .option('--commit-results', 'Write to bench/results, which git keeps, instead of bench/results/latest')
  .option('--out <folder>', 'Write there')
  .action(compare)
await runCommand(cli)

async function compare(options: Options): Promise<void> {
  console.log(machineLine(thisMachine()))
  for (const framework of allNamed('--framework', options.framework, frameworks)) {
    const run = await adviseAndFlood(framework, options)
    console.log(`\n${adviceTable(run)}\n`)
    const folder = resultsFolder(options)
    mkdirSync(folder, { recursive: true })
    const file = join(folder, `advice-${run.framework}`)
    writeFileSync(`${file}.json`, `${JSON.stringify(run)}\n`)
    writeFileSync(`${file}.md`, adviceMarkdown(run))
    console.log(`Figures: ${relative('', file)}.md`)
    if (!run.floods.every(flooded => isServed(flooded, 'report'))) process.exitCode = 1
  }
}

async function adviseAndFlood(framework: Framework, { runs, limit }: Options): Promise<AdviceRun> {
  const limitBytes = limit * MiB
  console.error(`advice, ${framework}: a day is observed`)
  const report = await observe(framework, limitBytes)
  const advice = adviceOf(report)
  console.error(
    `advice, ${framework}: a budget of ${mebibytes(advice.budget)}: ${report.recommended.because}`,
  )
  const tunings: Tuning[] = [
    ...BY_HAND.map(budget => ({ by: 'hand', budget }) as const),
    { by: 'nobody' },
    { by: 'report', advice },
  ]
  const floods: Flooded[] = []
  for (const scenario of FLOODS.map(name => named('FLOODS', name, scenarios))) {
    const told = tunings.map(tuning => ({ tuning, runs: [] as Awaited<ReturnType<typeof runFlood>>[] }))
    // In turns: whatever else the machine does falls on all of them.
    for (let run = 1; run <= runs; run++) {
      for (const { tuning, runs: done } of told) {
        const label = `${scenario.name}, ${framework}, told by ${inWords(tuning)}, run ${run} of ${runs}`
        const progress = new Progress(label, totalRequests(scenario), limitBytes)
        const given = { framework, tuning, limitBytes, storage: 'disk', governed: true } as const
        const result = await runFlood(scenario, { ...given, stopAfterMs: STOP_AFTER_MS }, progress)
        progress.done(
          `${result.answered}, ${result.megabytesPerSecond.toFixed(0)} MB/s, peak ${mebibytes(result.peakBytes)}`,
        )
        done.push(result)
      }
    }
    floods.push({ scenario: scenario.name, told })
  }
  const measuredAt = new Date().toISOString()
  const { because } = report.recommended
  return { measuredAt, machine: thisMachine(), framework, limitBytes, advice, because, floods }
}

function isServed({ told }: Flooded, by: Tuning['by']): boolean {
  return told.filter(({ tuning }) => tuning.by === by).every(({ runs }) => runs.every(isWhole))
}
