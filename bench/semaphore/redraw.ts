import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { resultsFolder } from '../results-folder.ts'
import { renderSemaphoreChart } from './semaphore-chart.ts'
import type { SemaphoreRun } from './semaphore-result.ts'

/** Makes the picture anew from figures already measured: `redraw.ts [folder]`. */
const folder = process.argv[2] ?? resultsFolder({ commitResults: true })
const run = JSON.parse(readFileSync(join(folder, 'semaphore.json'), 'utf8')) as SemaphoreRun
writeFileSync(join(folder, 'semaphore.svg'), renderSemaphoreChart(run))
