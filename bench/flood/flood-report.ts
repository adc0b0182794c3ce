import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderFloodChart } from './flood-chart.ts'
import type { FloodRun } from './flood-result.ts'
import { markdownTable } from './flood-table.ts'

/** @returns the path of the picture */
export function writeReport(run: FloodRun, folder: string): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'flood.json'), `${JSON.stringify(run)}\n`)
  writeFileSync(join(folder, 'flood.md'), markdownTable(run))
  const picture = join(folder, 'flood.svg')
  writeFileSync(picture, renderFloodChart(run))
  return picture
}

export function readReport(folder: string): FloodRun {
  return JSON.parse(readFileSync(join(folder, 'flood.json'), 'utf8')) as FloodRun
}
