import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { frameworks } from '../flood/servers.ts'
import { resultsFolder } from '../results-folder.ts'
import { writeReport } from './soak-report.ts'

/** Makes the pictures anew from figures already measured: `redraw.ts [folder]`. */
const folder = process.argv[2] ?? resultsFolder({ commitResults: true })
for (const framework of frameworks) {
  const file = join(folder, framework === 'fastify' ? 'soak.json' : `soak-${framework}.json`)
  if (existsSync(file)) console.log(writeReport(JSON.parse(readFileSync(file, 'utf8')), folder))
}
