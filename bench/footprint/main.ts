import { relative } from 'node:path'
import { cac } from 'cac'
import { forcedCage } from '../cage/cage.ts'
import { frameworkNames, frameworks } from '../flood/servers.ts'
import { machineLine, thisMachine } from '../machine.ts'
import { allNamed } from '../named.ts'
import { resultsFolder } from '../results-folder.ts'
import { runCommand } from '../run-command.ts'
import { readReport, writeReport } from './footprint-report.ts'
import type { FootprintResult, FootprintRun, Load } from './footprint-result.ts'
import { terminalTable } from './footprint-table.ts'
import { type Kind, kinds } from './kinds.ts'
import { measureFootprint } from './measure-footprint.ts'

const MiB = 2 ** 20
/** What each of many costs, whatever its length. */
const CROWD: Load = { bytes: 4 * 1024, atOnce: 512 }

interface Options {
  readonly framework: string
  readonly kind: string
  readonly sizes: string | number
  readonly atOnce: string | number
  readonly runs: number
  readonly limit: number
  readonly cage: string
  readonly keep?: boolean
  readonly commitResults?: boolean
  readonly out?: string
}

const cli = cac('footprint')
cli
  .command('', 'How much memory does a body take for each byte it declares?')
  .option('--framework <names>', `By comma: ${frameworks.join(', ')}`, { default: frameworks.join(',') })
  .option('--kind <names>', 'By comma', { default: kinds.map(({ name }) => name).join(',') })
  .option('--sizes <MiB>', 'Lengths of a body, by comma', { default: '4,16,32' })
  .option('--at-once <n>', 'Bodies at once, by comma', { default: '1,4' })
  .option('--runs <n>', 'Runs of each, with a fresh server', { default: 3 })
  .option('--limit <MiB>', 'Memory of the container', { default: 2048 })
  .option('--cage <kind>', 'auto, or supervisor: do without the kernel', { default: 'auto' })
  .option('--keep', 'Keep the figures that are there of what is not measured now')
  .option('--commit-results', 'Write to bench/results, which git keeps, instead of bench/results/latest')
  .option('--out <folder>', 'Write there')
  .action(measure)
await runCommand(cli)

async function measure(options: Options): Promise<void> {
  const { cage, runs, limit } = options
  const forced = forcedCage(cage)
  const machine = thisMachine()
  console.log(machineLine(machine))
  const chosen = allNamed('--framework', options.framework, frameworks)
  const results: FootprintResult[] = []
  let figures: FootprintRun['cage'] | undefined
  for (const kind of allNamed('--kind', options.kind, kinds)) {
    for (const framework of chosen) {
      const ofRuns: Awaited<ReturnType<typeof measureFootprint>>[] = []
      for (let run = 1; run <= runs; run++) {
        console.error(`footprint: ${kind.name}, ${frameworkNames[framework]}, run ${run} of ${runs}`)
        const loads = loadsOf(kind, options)
        ofRuns.push(await measureFootprint({ framework, kind, limitBytes: limit * MiB, loads, ...forced }))
      }
      figures ??= ofRuns[0]?.cage
      results.push({
        framework,
        kind: kind.name,
        idleBytes: Math.max(...ofRuns.map(({ idleBytes }) => idleBytes)),
        runs: ofRuns.map(({ measured }) => measured),
      })
    }
  }
  if (figures === undefined) throw new TypeError('--runs is 1 or more')
  const folder = resultsFolder(options)
  const now = { measuredAt: new Date().toISOString(), machine }
  const fresh: FootprintRun = { ...now, cage: figures, results }
  const run = options.keep
    ? besideThem(
        results.map(result => ({ ...result, later: now })),
        readReport(folder),
      )
    : fresh
  console.log(`\n${terminalTable(run)}\n`)
  console.log(`Picture: ${relative('', writeReport(run, folder))}`)
}

/** New figures in the place of older ones, in the order of kinds. */
function besideThem(measured: readonly FootprintResult[], kept: FootprintRun): FootprintRun {
  const isOlder = ({ kind, framework }: FootprintResult): boolean =>
    !measured.some(one => one.kind === kind && one.framework === framework)
  const all = [...kept.results.filter(isOlder), ...measured]
  const results = kinds.flatMap(({ name }) =>
    frameworks.flatMap(framework => all.filter(one => one.kind === name && one.framework === framework)),
  )
  return { ...kept, results }
}

/** The smallest first. */
function loadsOf({ sizes }: Kind, options: Options): Load[] {
  const mebibytes = sizes ?? numbers('--sizes', options.sizes)
  const loads = mebibytes.flatMap(size =>
    numbers('--at-once', options.atOnce).map(atOnce => ({ bytes: size * MiB, atOnce })),
  )
  return [CROWD, ...loads].sort((a, b) => a.bytes * a.atOnce - b.bytes * b.atOnce)
}

function numbers(option: string, given: string | number): number[] {
  const values = String(given).split(',').map(Number)
  if (values.every(value => value > 0)) return values
  throw new TypeError(`${option} is numbers by comma, not ${given}`)
}
