import { resultsFolder } from '../results-folder.ts'
import { rows } from './rows.ts'
import { writeReport } from './survival-report.ts'

/** Makes the page anew from cells already measured: `redraw.ts [folder]`. */
console.log(writeReport(process.argv[2] ?? resultsFolder({ commitResults: true }), rows).page)
