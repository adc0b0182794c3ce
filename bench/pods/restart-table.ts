import { mebibytes } from '../flood/wording.ts'
import { machineLine } from '../machine.ts'
import { type RestartRun, said } from './restart.ts'

const HEAD = [
  'run',
  'answered',
  'in flight on the pod killed',
  'lost by that',
  'load after its return',
  'lost by the rolling restart',
  'peak of a pod',
]

/** A line for each run. */
export function restartTable(run: RestartRun): string {
  const rows = run.results.map((result, at) => [
    String(at + 1),
    String(result.answered),
    String(result.inFlight),
    said(result.lostByKill),
    `${result.loadedAfterSeconds.toFixed(1)} s`,
    said(result.lostByRollingRestart),
    mebibytes(Math.max(...result.peakBytes)),
  ])
  const lines = [HEAD, HEAD.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |`)
  return [...lines, '', footnote(run), ''].join('\n')
}

function footnote({ results, clients, haproxy, machine, measuredAt }: RestartRun): string {
  const [first] = results
  if (first === undefined) return ''
  return [
    `Four pods of ${mebibytes(first.cage.limitBytes)} (${first.cage.kind}) behind HAProxy ${haproxy}, ${clients} clients that`,
    'send one upload of 4 KiB to 16 MiB after another, and retry nothing. In flight: by HAProxy’s count, a moment before.',
    `${machineLine(machine)}; ${measuredAt.slice(0, 10)}.`,
  ].join(' ')
}
