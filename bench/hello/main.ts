import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { cac } from 'cac'
import { machineLine, thisMachine } from '../machine.ts'
import { resultsFolder } from '../results-folder.ts'
import { contenders } from './contenders.ts'
import { renderHelloChart } from './hello-chart.ts'
import { type HelloRun, summarised } from './hello-result.ts'
import { helloTable } from './hello-table.ts'
import { type Measured, measure } from './measure.ts'

const ROUTES = ['GET hello', 'POST 1 KiB']

interface Options {
  readonly runs: number
  readonly seconds: number
  readonly commitResults?: boolean
  readonly out?: string
}

const cli = cac('hello')
cli
  .command('', 'What a request costs that needs no memory: a hello route, with and without')
  .option('--runs <n>', 'Rounds, each of them with every contender', { default: 5 })
  .option('--seconds <n>', 'Of load in each run', { default: 3 })
  .option('--commit-results', 'Write to bench/results, which git keeps, instead of bench/results/latest')
  .option('--out <folder>', 'Write there')
  .action(compare)
cli.help()
cli.parse(process.argv, { run: false })
await cli.runMatchedCommand()

async function compare(options: Options): Promise<void> {
  console.log(machineLine(thisMachine()))
  const names = Object.keys(contenders)
  const results: HelloRun['results'][number][] = []
  for (const route of ROUTES) {
    const measured = new Map<string, Measured[]>(names.map(name => [name, []]))
    // A B C A B C: whatever else the machine does falls on all of them.
    for (let run = 1; run <= options.runs; run++) {
      for (const name of names) {
        console.error(`hello: ${route}, ${name}, run ${run} of ${options.runs}`)
        measured.get(name)?.push(await measure(name, route, options.seconds))
      }
    }
    const plain = measured.get('plain') ?? []
    for (const [name, runs] of measured) results.push(summarised(route, name, runs, plain))
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
