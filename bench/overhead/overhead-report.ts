import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderOverheadChart } from './overhead-chart.ts'
import type { OverheadRun } from './overhead-result.ts'
import { markdownTable } from './overhead-table.ts'

/** @returns the path of the picture */
export function writeReport(run: OverheadRun, folder: string): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'overhead.json'), `${JSON.stringify(run)}\n`)
  writeFileSync(join(folder, 'overhead.md'), markdownTable(run))
  const picture = join(folder, 'overhead.svg')
  writeFileSync(picture, renderOverheadChart(run))
  return picture
}

/** Undefined where nothing was measured yet. */
export function readReport(folder: string): OverheadRun | undefined {
  const file = join(folder, 'overhead.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as OverheadRun) : undefined
}
