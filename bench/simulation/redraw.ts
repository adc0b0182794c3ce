import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { resultsFolder } from '../results-folder.ts'
import { writeReport } from './simulation-report.ts'

/** Makes tables and picture anew from figures already simulated: `redraw.ts [folder]`. */
const folder = process.argv[2] ?? resultsFolder({ commitResults: true })
console.log(writeReport(JSON.parse(readFileSync(join(folder, 'simulation.json'), 'utf8')), folder))
