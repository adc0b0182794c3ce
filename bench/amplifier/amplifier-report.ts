import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderAmplifierChart } from './amplifier-chart.ts'
import type { AmplifierRun } from './amplifier-result.ts'
import { markdownTable } from './amplifier-table.ts'

/** @returns the path of the picture */
export function writeReport(run: AmplifierRun, folder: string): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'amplifier.json'), `${JSON.stringify(run)}\n`)
  writeFileSync(join(folder, 'amplifier.md'), markdownTable(run))
  const picture = join(folder, 'amplifier.svg')
  writeFileSync(picture, renderAmplifierChart(run))
  return picture
}

export function readReport(folder: string): AmplifierRun {
  return JSON.parse(readFileSync(join(folder, 'amplifier.json'), 'utf8')) as AmplifierRun
}
