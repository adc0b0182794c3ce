import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { cac } from 'cac'
import { forcedCage } from '../cage/cage.ts'
import { machineLine, thisMachine } from '../machine.ts'
import { allNamed, named } from '../named.ts'
import { resultsFolder } from '../results-folder.ts'
import { runCommand } from '../run-command.ts'
import { CONTENDERS } from '../telemetry/contenders.ts'
import { reportName, writeReport } from './flood-report.ts'
import type { FloodResult } from './flood-result.ts'
import { terminalTable } from './flood-table.ts'
import { Progress } from './progress.ts'
import { runFlood } from './run-flood.ts'
import { type Scenario, scenarios, totalRequests } from './scenarios.ts'
import { type Framework, frameworks } from './servers.ts'
import { measureThroughput, type Throughput, throughputTable } from './throughput.ts'
import { spansLine } from './tracing.ts'
import { verdictOf } from './verdict.ts'
import { answered, ending, peak } from './wording.ts'

const MiB = 2 ** 20
const GiB = 2 ** 30
const STOP_AFTER_MS = 60_000

interface Options {
  readonly framework: string
  readonly scenario?: string
  readonly throughput?: boolean
  readonly runs?: number
  readonly budget?: string
  readonly untuned?: boolean
  readonly workers?: number
  readonly telemetry?: string
  readonly limit: number
  readonly cage: string
  readonly commitResults?: boolean
  readonly out?: string
}

const cli = cac('flood')
cli
  .command('', 'Flood an example server in a small container, without and with Plimsoll')
  .option('--framework <name>', `Which the object store is built on: ${frameworks.join(', ')}`, {
    default: 'fastify',
  })
  .option('--scenario <names>', `Which, by comma: ${scenarios.map(nameAndFramework).join(', ')}`)
  .option(
    '--budget <size>',
    'Budget of the governed server; default 64MiB, and with --workers auto: a part for each',
  )
  .option('--untuned', 'Of the object store: no options at all, neither a budget nor costs')
  .option('--workers <n>', 'So many processes of node:cluster in the one container; default: no cluster')
  .option('--telemetry <processor>', 'Traced, by bounded or batch, while the collector hangs; on Fastify')
  .option('--limit <MiB>', 'Memory of the container', { default: 512 })
  .option('--throughput', 'Compare MB/s instead, in memory and without a limit that matters')
  .option('--runs <n>', 'Runs of each server; default 1, and 3 with --throughput')
  .option('--cage <kind>', 'auto, or supervisor: do without the kernel', { default: 'auto' })
  .option('--commit-results', 'Write to bench/results, which git keeps, instead of bench/results/latest')
  .option('--out <folder>', 'Write there')
  .action((options: Options) => (options.throughput ? compareThroughput(options) : demonstrate(options)))
await runCommand(cli)

async function demonstrate(options: Options): Promise<void> {
  console.log(machineLine(thisMachine()))
  const results: FloodResult[] = []
  const { framework, telemetry } = common(options)
  for (const scenario of chosen(options.scenario ?? 'uploads,downloads,mixed', framework)) {
    for (let run = 1; run <= (options.runs ?? 1); run++) {
      for (const governed of [false, true]) results.push(await floodOnce(scenario, governed, options))
    }
  }
  console.log(`\n${terminalTable(results)}\n`)

  const run = {
    framework,
    measuredAt: new Date().toISOString(),
    machine: thisMachine(),
    budget: budgetOf(options),
    storage: 'disk',
    ...(telemetry && { telemetry }),
    results,
  } as const
  const picture = writeReport(run, resultsFolder(options))
  const verdict = verdictOf(results)
  for (const line of verdict.lines) console.log(line)
  for (const { spans } of results) if (spans) console.log(spansLine(spans))
  console.log(`Picture: ${relative('', picture)}`)
  if (!verdict.passed) process.exitCode = 1
}

async function floodOnce(scenario: Scenario, governed: boolean, options: Options): Promise<FloodResult> {
  const limitBytes = options.limit * MiB
  const label = `${scenario.name}, ${governed ? 'governed' : 'ungoverned'}`
  const progress = new Progress(label, totalRequests(scenario), limitBytes)
  const result = await runFlood(
    scenario,
    { ...common(options), governed, storage: 'disk', limitBytes },
    progress,
  )
  progress.done(`${answered(result)} answered, ${ending(result)}, peak ${peak(result)}`)
  if (result.ending.kind === 'died') console.error(result.ending.stderr)
  return result
}

async function compareThroughput(options: Options): Promise<void> {
  console.log(machineLine(thisMachine()))
  const rows: Throughput[] = []
  const known = common(options)
  for (const scenario of chosen(options.scenario ?? 'uploads,downloads', known.framework)) {
    const server = { ...known, storage: 'memory', limitBytes: 12 * GiB } as const
    rows.push(await measureThroughput(scenario, options.runs ?? 3, server))
  }
  console.log(`\n${throughputTable(rows)}`)
  const folder = resultsFolder(options)
  mkdirSync(folder, { recursive: true })
  const run = {
    measuredAt: new Date().toISOString(),
    machine: thisMachine(),
    budget: budgetOf(options),
    rows,
  }
  writeFileSync(
    join(folder, `${reportName(known.framework, known.telemetry)}-throughput.json`),
    `${JSON.stringify(run, undefined, 2)}\n`,
  )
}

function common(options: Options) {
  const { framework: name, untuned = false, workers, cage, telemetry: processor } = options
  const framework = named('--framework', name, frameworks)
  const budget = budgetOf(options)
  const telemetry = processor === undefined ? undefined : named('--telemetry', processor, CONTENDERS)
  if (telemetry !== undefined && framework !== 'fastify')
    throw new TypeError('--telemetry is for --framework fastify')
  const tuning = untuned ? ({ by: 'nobody' } as const) : ({ by: 'hand', budget } as const)
  return {
    framework,
    tuning,
    workers,
    stopAfterMs: STOP_AFTER_MS,
    ...(telemetry && { telemetry }),
    ...forcedCage(cage),
  }
}

function budgetOf({ budget, workers }: Pick<Options, 'budget' | 'workers'>): string {
  return budget ?? (workers === undefined ? '64MiB' : 'auto')
}

function chosen(names: string, on: Framework): readonly Scenario[] {
  const found = allNamed('--scenario', names, scenarios)
  for (const { name, framework = on } of found)
    if (framework !== on) throw new TypeError(`--scenario ${name} needs --framework ${framework}`)
  return found
}

function nameAndFramework({ name, framework }: Scenario): string {
  return framework ? `${name} (${framework})` : name
}
