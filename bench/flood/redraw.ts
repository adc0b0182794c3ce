import { resultsFolder } from '../results-folder.ts'
import { readReports, writeReport } from './flood-report.ts'

/** Makes the tables and the pictures anew from figures already measured: `redraw.ts [folder]`. */
const folder = process.argv[2] ?? resultsFolder({ commitResults: true })
for (const run of readReports(folder)) console.log(writeReport(run, folder))
