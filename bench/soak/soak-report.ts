import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderSoakChart } from './soak-chart.ts'
import type { SoakRun } from './soak-result.ts'

/** @returns the path of the picture */
export function writeReport(run: SoakRun, folder: string): string {
  mkdirSync(folder, { recursive: true })
  const name = run.framework === 'fastify' ? 'soak' : `soak-${run.framework}`
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(run)}\n`)
  const picture = join(folder, `${name}.svg`)
  writeFileSync(picture, renderSoakChart(run))
  return picture
}
