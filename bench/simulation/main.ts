import { relative } from 'node:path'
import { cac } from 'cac'
import { machineLine, thisMachine } from '../machine.ts'
import { measureInProcess } from '../measuring-process.ts'
import { resultsFolder } from '../results-folder.ts'
import { runCommand } from '../run-command.ts'
import { type Asked, cells, requestsOf } from './cells.ts'
import { writeReport } from './simulation-report.ts'
import type { CellResult, SimulationRun } from './simulation-result.ts'
import { terminalTables } from './simulation-table.ts'
import { meansOf } from './sizes.ts'
import { world } from './world.ts'

interface Options {
  readonly seed: number
  readonly brief?: boolean
  readonly processes: number
  readonly commitResults?: boolean
  readonly out?: string
}

const cli = cac('simulation')
cli
  .command('', 'Up to how many pods does a choice by bytes hold, and for how many proxies?')
  .option('--seed <n>', 'The same seed, the same requests', { default: 1 })
  .option('--brief', 'A few pods for a short time')
  .option('--processes <n>', 'At once', { default: 2 })
  .option('--commit-results', 'Write to bench/results, which git keeps, instead of bench/results/latest')
  .option('--out <folder>', 'Write there')
  .action(run)
await runCommand(cli)

async function run(options: Options): Promise<void> {
  const machine = thisMachine()
  console.log(machineLine(machine))
  const began = performance.now()
  console.error('simulation: means')
  const means = { surge: meansOf('surge'), uploads: meansOf('uploads'), cdn: meansOf('cdn') }
  const all = cells(options.seed, options.brief === true)
  const parts = shared(all, options.processes, cell => requestsOf(cell, means[cell.mix].bytes))
  const module = new URL('./cell-process.ts', import.meta.url)
  const results = await Promise.all(
    parts.map(part => measureInProcess<CellResult[]>(module, [JSON.stringify({ cells: part, means })])),
  )
  const simulation: SimulationRun = {
    simulatedAt: new Date().toISOString(),
    machine,
    tookSeconds: Math.round((performance.now() - began) / 1000),
    world,
    means,
    results: all.map(cell => results.flat().find(result => isOf(result, cell)) as CellResult),
  }
  console.log(terminalTables(simulation))
  console.log(`Picture: ${relative('', writeReport(simulation, resultsFolder(options)))}`)
}

/** Shared out so that all end at about the same time: the dearest first, to whoever has least. */
function shared(all: readonly Asked[], processes: number, cost: (cell: Asked) => number): Asked[][] {
  const parts = Array.from({ length: processes }, () => ({ cells: [] as Asked[], cost: 0 }))
  for (const cell of [...all].sort((a, b) => cost(b) - cost(a))) {
    const least = parts.reduce((a, b) => (b.cost < a.cost ? b : a))
    least.cells.push(cell)
    least.cost += cost(cell)
  }
  return parts.map(part => part.cells)
}

function isOf(result: CellResult, cell: Asked): boolean {
  return Object.entries(cell).every(([key, value]) => result[key as keyof Asked] === value)
}
