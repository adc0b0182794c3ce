import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderFloodChart } from '../flood/flood-chart.ts'
import type { FloodRun } from '../flood/flood-result.ts'
import { markdownTable } from '../flood/flood-table.ts'
import type { CrowdRun } from './crowd.ts'
import { crowdTable } from './crowd-table.ts'
import type { MixedRun } from './mixed.ts'
import { renderMixedChart } from './mixed-chart.ts'
import { mixedTable } from './mixed-table.ts'
import type { RestartRun } from './restart.ts'
import { renderRestartChart } from './restart-chart.ts'
import { restartTable } from './restart-table.ts'

/** What was measured, by the question it answers. */
export interface PodsRuns {
  readonly one?: FloodRun
  readonly mixed?: MixedRun
  readonly restart?: RestartRun
  readonly crowd?: CrowdRun
}

/** @returns the paths of the pictures that there are */
export function writeReports({ one, mixed, restart, crowd }: PodsRuns, folder: string): string[] {
  mkdirSync(folder, { recursive: true })
  return [
    ...(one ? [write(folder, 'pods-one', one, markdownTable(one), renderFloodChart(one))] : []),
    ...(mixed ? [write(folder, 'pods-mixed', mixed, mixedTable(mixed), renderMixedChart(mixed))] : []),
    ...(restart
      ? [write(folder, 'pods-restart', restart, restartTable(restart), renderRestartChart(restart))]
      : []),
    ...(crowd ? [write(folder, 'pods-crowd', crowd, crowdTable(crowd))] : []),
  ].flat()
}

/** Those that are there. */
export function readReports(folder: string): PodsRuns {
  const read = (name: string) => {
    const file = join(folder, `pods-${name}.json`)
    return existsSync(file) ? { [name]: JSON.parse(readFileSync(file, 'utf8')) } : {}
  }
  return { ...read('one'), ...read('mixed'), ...read('restart'), ...read('crowd') }
}

function write(folder: string, name: string, run: object, table: string, picture?: string): string[] {
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(run)}\n`)
  writeFileSync(join(folder, `${name}.md`), table)
  if (picture === undefined) return []
  const path = join(folder, `${name}.svg`)
  writeFileSync(path, picture)
  return [path]
}
