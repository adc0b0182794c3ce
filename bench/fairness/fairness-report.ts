import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Framework } from '../flood/servers.ts'
import { renderFairnessChart } from './fairness-chart.ts'
import type { FairnessRun } from './fairness-result.ts'
import { markdownTable } from './fairness-table.ts'

/** @returns the path of the picture */
export function writeReport(run: FairnessRun, folder: string): string {
  mkdirSync(folder, { recursive: true })
  const name = reportName(run.framework)
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(run)}\n`)
  writeFileSync(join(folder, `${name}.md`), markdownTable(run))
  const picture = join(folder, `${name}.svg`)
  writeFileSync(picture, renderFairnessChart(run))
  return picture
}

export function readReport(folder: string, framework: Framework): FairnessRun {
  return JSON.parse(readFileSync(join(folder, `${reportName(framework)}.json`), 'utf8')) as FairnessRun
}

/** What the files of a run are called, without their endings. */
export function reportName(framework: Framework): string {
  return framework === 'fastify' ? 'fairness' : `fairness-${framework}`
}
