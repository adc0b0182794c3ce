import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { cac } from 'cac'
import { machineLine, thisMachine } from '../machine.ts'
import { measureInProcess } from '../measuring-process.ts'
import { resultsFolder } from '../results-folder.ts'
import { runCommand } from '../run-command.ts'
import { CONTENDERS, MAX_BYTES } from './contenders.ts'
import { renderTelemetryChart } from './telemetry-chart.ts'
import type { AwayReport, CostReport, TelemetryRun } from './telemetry-result.ts'
import { telemetryTable } from './telemetry-table.ts'

interface Options {
  readonly spans: number
  readonly seconds: number
  readonly rounds: number
  readonly runs: number
  readonly commitResults?: boolean
  readonly out?: string
}

const cli = cac('telemetry')
cli
  .command('', 'What do spans keep while the collector is away, and what do they cost?')
  .option('--spans <n>', 'Spans that end, in three phases', { default: 1_000_000 })
  .option('--seconds <n>', 'How long each phase takes at least', { default: 15 })
  .option('--runs <n>', 'Runs of either processor, in turns', { default: 3 })
  .option('--rounds <n>', 'Rounds of 5,000 spans for their cost', { default: 30 })
  .option('--commit-results', 'Write to bench/results, which git keeps, instead of bench/results/latest')
  .option('--out <folder>', 'Write there')
  .action(measure)
await runCommand(cli)

async function measure(options: Options): Promise<void> {
  const machine = thisMachine()
  console.log(machineLine(machine))
  const module = (name: string): URL => new URL(`./${name}.ts`, import.meta.url)
  console.error('telemetry: costs')
  const costs = await measureInProcess<CostReport[]>(module('cost-process'), [String(options.rounds)])
  const away: AwayReport[] = []
  for (let run = 1; run <= options.runs; run++) {
    for (const contender of CONTENDERS) {
      console.error(`telemetry: ${contender}, run ${run} of ${options.runs}`)
      const args = [contender, String(options.spans), String(options.seconds)]
      away.push(await measureInProcess<AwayReport>(module('away-process'), args, ['--expose-gc']))
    }
  }
  const run: TelemetryRun = {
    measuredAt: new Date().toISOString(),
    machine,
    maxBytes: MAX_BYTES,
    away,
    costs,
  }
  console.log(`\n${telemetryTable(run)}\n`)
  const results = resultsFolder(options)
  mkdirSync(results, { recursive: true })
  writeFileSync(join(results, 'telemetry.json'), `${JSON.stringify(run, undefined, 2)}\n`)
  writeFileSync(join(results, 'telemetry.svg'), renderTelemetryChart(run))
  console.log(`Figures: ${relative('', join(results, 'telemetry.json'))}`)
}
