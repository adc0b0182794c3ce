import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderFidelityChart } from './fidelity-chart.ts'
import type { FidelityResult, FidelityRun } from './fidelity-result.ts'
import { markdownTable } from './fidelity-table.ts'
import type { Sample } from './sample.ts'

/** @returns the path of the picture */
export function writeReport(run: FidelityRun, folder: string): string {
  mkdirSync(folder, { recursive: true })
  const results = run.results.map(result => ({ ...result, samples: packed(result.samples) }))
  writeFileSync(join(folder, 'fidelity.json'), `${JSON.stringify({ ...run, results })}\n`)
  writeFileSync(join(folder, 'fidelity.md'), markdownTable(run))
  const picture = join(folder, 'fidelity.svg')
  writeFileSync(picture, renderFidelityChart(run))
  return picture
}

export function readReport(folder: string): FidelityRun {
  const run = JSON.parse(readFileSync(join(folder, 'fidelity.json'), 'utf8')) as Kept
  return { ...run, results: run.results.map(result => ({ ...result, samples: unpacked(result.samples) })) }
}

type Kept = Omit<FidelityRun, 'results'> & {
  readonly results: readonly (Omit<FidelityResult, 'samples'> & { readonly samples: Packed })[]
}

const KiB = 1024
const fields = ['reserved', 'paidIn', 'real', 'sockets', 'kernel', 'held', 'kept'] as const
type Packed = Readonly<Record<(typeof fields)[number] | 'seconds' | 'waiting', readonly number[]>>

/** Thousands of looks: a list for each field, and bytes by the KiB. */
function packed(samples: readonly Sample[]): Packed {
  const kibibytes = fields.map(field => [field, samples.map(sample => Math.round(sample[field] / KiB))])
  return {
    seconds: samples.map(({ seconds }) => seconds),
    waiting: samples.map(({ waiting }) => waiting),
    ...Object.fromEntries(kibibytes),
  }
}

function unpacked(kept: Packed): Sample[] {
  return kept.seconds.map((seconds, at) => ({
    seconds,
    waiting: kept.waiting[at] ?? 0,
    ...(Object.fromEntries(fields.map(field => [field, (kept[field][at] ?? 0) * KiB])) as Record<
      (typeof fields)[number],
      number
    >),
  }))
}
