import Table from 'cli-table3'
import { machineLine } from '../machine.ts'
import { plainTable } from '../plain-table.ts'
import { type Policy, policies } from './policies.ts'
import type { CellResult, Question, SimulationRun } from './simulation-result.ts'
import { sizes } from './sizes.ts'

const head = [
  'sizes',
  'pods',
  'proxies',
  'agent asked each',
  'choice',
  'small p50',
  'small p99',
  'waited',
  'refused',
  'lost',
  'kills a pod and hour',
  'used',
  'peak',
  'median peak',
]

const questions: Readonly<Record<Question, string>> = {
  scale: 'By the number of pods and proxies',
  mix: 'Other sizes',
  staleness: 'By the age of what agents have told',
}

export function terminalTables({ results }: SimulationRun): string {
  return asked(results)
    .map(([title, of]) => {
      const table = new Table({ head, ...plainTable })
      table.push(...of.map(row))
      return `\n${title}\n${table.toString()}`
    })
    .join('\n')
}

export function markdownTables(run: SimulationRun): string {
  const tables = asked(run.results).map(([title, of]) => {
    const rows = [head, head.map(() => '---'), ...of.map(row)]
    return `## ${title}\n\n${rows.map(cells => `| ${cells.join(' | ')} |`).join('\n')}\n`
  })
  const requests = run.results.reduce((sum, result) => sum + result.requests, 0)
  return [
    ...tables,
    'Simulated, not measured: what is assumed is in [docs/many-pods.md](../../docs/many-pods.md). Small: up to 64 KiB.',
    'Peak: the most that one pod held of bodies, and what those took that waited in it; median: of the peaks of all pods. A pod that was killed held more.',
    `${(requests / 1e6).toFixed(0)} million requests in ${run.tookSeconds} s. ${machineLine(run.machine)}; ${run.simulatedAt.slice(0, 10)}.`,
    '',
  ].join('\n')
}

function asked(results: readonly CellResult[]): [title: string, of: CellResult[]][] {
  return (Object.keys(questions) as Question[]).map(question => [
    questions[question],
    results.filter(result => result.question === question),
  ])
}

function row(result: CellResult): string[] {
  const policy: Policy = policies[result.policy]
  return [
    `${sizes[result.mix].title}, load ${result.load}`,
    result.pods.toLocaleString('en-US'),
    policy.alone ? 'any' : String(result.proxies),
    policy.listens ? `${result.agentSeconds} s` : '',
    policy.title,
    milliseconds(result.smallP50Ms),
    milliseconds(result.smallP99Ms),
    percent(result.queuedPart),
    percent(result.refusedPart),
    percent(result.lostPart),
    figures(result.killsPerPodHour),
    percent(result.used),
    `${result.peakMiB.toFixed(0)} MiB`,
    `${result.medianPeakMiB.toFixed(0)} MiB`,
  ]
}

export function milliseconds(ms: number | null): string {
  // JSON knows no NaN: nobody small was answered.
  if (ms === null || Number.isNaN(ms)) return '–'
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`
}

function percent(part: number): string {
  return part === 0 ? '0' : `${figures(100 * part)} %`
}

/** Two of them, or the whole number. */
function figures(value: number): string {
  return value >= 10 || value === 0 ? value.toFixed(0) : value.toPrecision(2)
}
