import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderSimulationChart } from './simulation-chart.ts'
import type { SimulationRun } from './simulation-result.ts'
import { markdownTables } from './simulation-table.ts'

/** Figures, tables and the picture. @returns where the picture is */
export function writeReport(run: SimulationRun, folder: string): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'simulation.json'), `${JSON.stringify(run)}\n`)
  writeFileSync(join(folder, 'simulation.md'), markdownTables(run))
  const picture = join(folder, 'simulation.svg')
  writeFileSync(picture, renderSimulationChart(run))
  return picture
}
