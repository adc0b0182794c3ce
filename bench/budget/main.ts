import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { cac } from 'cac'
import { machineLine, thisMachine } from '../machine.ts'
import { allNamed } from '../named.ts'
import { resultsFolder } from '../results-folder.ts'
import { runCommand } from '../run-command.ts'
import { askAll } from './ask-all.ts'
import { renderBudgetChart } from './budget-chart.ts'
import { budgetTable } from './budget-table.ts'
import { contenders } from './contenders.ts'
import { questionNames } from './questions.ts'

interface Options {
  readonly contender?: string
  readonly question?: string
  readonly most: number
  readonly processes: number
  readonly seconds: number
  readonly limit: number
  readonly commitResults?: boolean
  readonly out?: string
}

const cli = cac('budget')
cli
  .command('', 'ByteBudget beside the semaphores and queues of npm: with room, with waiters, with cancels')
  .option('--contender <names>', 'Only these, by comma')
  .option('--question <names>', `Only these, by comma: ${questionNames.join(', ')}`)
  .option('--most <n>', 'Waiters at most', { default: 1_000_000 })
  .option('--processes <n>', 'Fresh processes for each figure', { default: 3 })
  .option('--seconds <n>', 'Of rounds at each length, and three rounds at least', { default: 0.5 })
  .option('--limit <seconds>', 'A round that takes longer is stopped, and no longer queue is tried', {
    default: 10,
  })
  .option('--commit-results', 'Write to bench/results, which git keeps, instead of bench/results/latest')
  .option('--out <folder>', 'Write there')
  .action(compare)
await runCommand(cli)

async function compare(options: Options): Promise<void> {
  console.log(machineLine(thisMachine()))
  const run = await askAll({
    contenders: allNamed('--contender', options.contender, contenders),
    questions: allNamed('--question', options.question, questionNames),
    most: options.most,
    processes: options.processes,
    seconds: options.seconds,
    limitSeconds: options.limit,
    onProgress: line => console.error(`budget: ${line}`),
  })
  console.log(`\n${budgetTable(run)}\n`)
  const folder = resultsFolder(options)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'budget.json'), `${JSON.stringify(run)}\n`)
  const picture = join(folder, 'budget.svg')
  writeFileSync(picture, renderBudgetChart(run))
  console.log(`Picture: ${relative('', picture)}`)
}
