import { resultsFolder } from '../results-folder.ts'
import { readReports, writeReports } from './pods-report.ts'

/** Makes the tables and the pictures anew from figures already measured: `redraw.ts [folder]`. */
const folder = process.argv[2] ?? resultsFolder({ commitResults: true })
for (const picture of writeReports(readReports(folder), folder)) console.log(picture)
