import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderFootprintChart } from './footprint-chart.ts'
import type { FootprintRun } from './footprint-result.ts'
import { markdownTable } from './footprint-table.ts'

/** @returns the path of the picture */
export function writeReport(run: FootprintRun, folder: string): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'footprint.json'), `${JSON.stringify(run)}\n`)
  writeFileSync(join(folder, 'footprint.md'), markdownTable(run))
  const picture = join(folder, 'footprint.svg')
  writeFileSync(picture, renderFootprintChart(run))
  return picture
}

export function readReport(folder: string): FootprintRun {
  return JSON.parse(readFileSync(join(folder, 'footprint.json'), 'utf8')) as FootprintRun
}
