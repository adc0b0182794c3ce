import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { resultsFolder } from '../results-folder.ts'
import { renderHelloChart } from './hello-chart.ts'
import type { HelloRun } from './hello-result.ts'

/** Makes the picture anew from figures already measured: `redraw.ts [folder]`. */
const folder = process.argv[2] ?? resultsFolder({ commitResults: true })
const run = JSON.parse(readFileSync(join(folder, 'hello.json'), 'utf8')) as HelloRun
writeFileSync(join(folder, 'hello.svg'), renderHelloChart(run))
