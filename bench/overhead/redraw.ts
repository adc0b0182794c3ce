import { resultsFolder } from '../results-folder.ts'
import { readReport, writeReport } from './overhead-report.ts'

/** Makes the picture anew from figures already measured: `redraw.ts [folder]`. */
const folder = process.argv[2] ?? resultsFolder({ commitResults: true })
const run = readReport(folder)
if (run === undefined) throw new Error(`nothing was measured in ${folder}`)
writeReport(run, folder)
