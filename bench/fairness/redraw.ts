import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { frameworks } from '../flood/servers.ts'
import { resultsFolder } from '../results-folder.ts'
import { readReport, reportName, writeReport } from './fairness-report.ts'

/** Makes the tables and the pictures anew from figures already measured: `redraw.ts [folder]`. */
const folder = process.argv[2] ?? resultsFolder({ commitResults: true })
for (const framework of frameworks) {
  if (!existsSync(join(folder, `${reportName(framework)}.json`))) continue
  console.log(writeReport(readReport(folder, framework), folder))
}
