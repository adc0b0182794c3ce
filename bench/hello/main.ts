import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { cac } from 'cac'
import { machineLine, thisMachine } from '../machine.ts'
import { resultsFolder } from '../results-folder.ts'
import { runCommand } from '../run-command.ts'
import { contenders } from './contenders.ts'
import { renderHelloChart } from './hello-chart.ts'
import { type HelloRun, summarised } from './hello-result.ts'
import { helloTable } from './hello-table.ts'
import { type Measured, measure } from './measure.ts'

const ROUTES = ['GET hello', 'POST 1 KiB']

interface Options {
  readonly framework?: string
  readonly runs: number
  readonly seconds: number
  readonly commitResults?: boolean
  readonly out?: string
}

const cli = cac('hello')
cli
  .command('', 'What a request costs that needs no memory: a hello route, with and without')
  .option('--framework <names>', 'Only these, by comma, as the table names them')
  .option('--runs <n>', 'Runs of each framework, with fresh processes', { default: 5 })
  .option('--seconds <n>', 'Of load on each server in a run, in turns of one second', { default: 4 })
  .option('--commit-results', 'Write to bench/results, which git keeps, instead of bench/results/latest')
  .option('--out <folder>', 'Write there')
  .action(compare)
await runCommand(cli)

async function compare(options: Options): Promise<void> {
  console.log(machineLine(thisMachine()))
  const known = [...new Set(contenders.map(({ framework }) => framework))]
  const chosen = options.framework?.split(',') ?? known
  const unknown = chosen.find(name => !known.includes(name))
  if (unknown !== undefined) throw new TypeError(`--framework is ${known.join(', ')}, not ${unknown}`)
  const results: HelloRun['results'][number][] = []
  for (const route of ROUTES) {
    for (const framework of chosen) {
      const sideBySide = contenders.filter(contender => contender.framework === framework)
      const runs: Measured[][] = []
      for (let run = 1; run <= options.runs; run++) {
        console.error(`hello: ${route}, ${framework}, run ${run} of ${options.runs}`)
        runs.push(await measure(sideBySide, route, options.seconds))
      }
      results.push(...summarised(route, sideBySide, runs))
    }
  }
  const { runs, seconds } = options
  const run: HelloRun = {
    measuredAt: new Date().toISOString(),
    machine: thisMachine(),
    runs,
    seconds,
    results,
  }
  console.log(`\n${helloTable(run)}\n`)
  const folder = resultsFolder(options)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'hello.json'), `${JSON.stringify(run, undefined, 2)}\n`)
  const picture = join(folder, 'hello.svg')
  writeFileSync(picture, renderHelloChart(run))
  console.log(`Picture: ${relative('', picture)}`)
}
