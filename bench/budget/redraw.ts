import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { resultsFolder } from '../results-folder.ts'
import { renderBudgetChart } from './budget-chart.ts'
import type { BudgetRun } from './budget-result.ts'

/** Makes the picture anew from figures already measured: `redraw.ts [folder]`. */
const folder = process.argv[2] ?? resultsFolder({ commitResults: true })
const run = JSON.parse(readFileSync(join(folder, 'budget.json'), 'utf8')) as BudgetRun
writeFileSync(join(folder, 'budget.svg'), renderBudgetChart(run))
