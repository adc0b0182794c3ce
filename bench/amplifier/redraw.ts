import { resultsFolder } from '../results-folder.ts'
import { readReport, writeReport } from './amplifier-report.ts'

/** Makes the table and the picture anew from figures already measured: `redraw.ts [folder]`. */
const folder = process.argv[2] ?? resultsFolder({ commitResults: true })
console.log(writeReport(readReport(folder), folder))
