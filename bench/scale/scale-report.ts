import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderScaleChart } from './scale-chart.ts'
import type { ScaleRun } from './scale-result.ts'
import { markdownTable } from './scale-table.ts'

/** @returns the path of the picture */
export function writeReport(run: ScaleRun, folder: string): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'scale.json'), `${JSON.stringify(run)}\n`)
  writeFileSync(join(folder, 'scale.md'), markdownTable(run))
  const picture = join(folder, 'scale.svg')
  writeFileSync(picture, renderScaleChart(run))
  return picture
}

export function readReport(folder: string): ScaleRun {
  return JSON.parse(readFileSync(join(folder, 'scale.json'), 'utf8')) as ScaleRun
}
