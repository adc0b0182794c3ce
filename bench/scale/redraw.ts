import { resultsFolder } from '../results-folder.ts'
import { readReport, writeReport } from './scale-report.ts'

/** Makes table and picture anew from figures already measured: `redraw.ts [folder]`. */
const folder = process.argv[2] ?? resultsFolder({ commitResults: true })
writeReport(readReport(folder), folder)
