import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Contender } from '../telemetry/contenders.ts'
import { renderFloodChart } from './flood-chart.ts'
import type { FloodRun } from './flood-result.ts'
import { markdownTable } from './flood-table.ts'
import { type Framework, frameworks } from './servers.ts'

/** @returns the path of the picture */
export function writeReport(run: FloodRun, folder: string): string {
  mkdirSync(folder, { recursive: true })
  const name = reportName(run.framework, run.telemetry)
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(run)}\n`)
  writeFileSync(join(folder, `${name}.md`), markdownTable(run))
  const picture = join(folder, `${name}.svg`)
  writeFileSync(picture, renderFloodChart(run))
  return picture
}

/** Of every framework that was measured. */
export function readReports(folder: string): FloodRun[] {
  return frameworks
    .map(framework => join(folder, `${reportName(framework)}.json`))
    .filter(existsSync)
    .map(file => JSON.parse(readFileSync(file, 'utf8')) as FloodRun)
}

/** What the files of a run are called, without their endings. */
export function reportName(framework: Framework, telemetry?: Contender): string {
  if (telemetry !== undefined) return `flood-traced-${telemetry}`
  return framework === 'fastify' ? 'flood' : `flood-${framework}`
}
