import { latency, mebibytes } from '../flood/wording.ts'
import { machineLine } from '../machine.ts'
import type { Asked, CrowdRun } from './crowd.ts'

const HEAD = ['run', 'crowd', 'p50, p99, most before', 'during', 'after', 'memory', 'HAProxy saw']

/** A line for each run. */
export function crowdTable(run: CrowdRun): string {
  const rows = run.results.map((result, at) => [
    String(at + 1),
    `${result.connections.toLocaleString('en-US')} in ${result.seconds.toFixed(1)} s`,
    said(result.before),
    said(result.during),
    said(result.after),
    `${mebibytes(result.idleBytes)}, peak ${mebibytes(result.peakBytes)}`,
    result.statuses.join('; '),
  ])
  const lines = [HEAD, HEAD.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |`)
  const { haproxy, machine, measuredAt } = run
  return [
    ...lines,
    '',
    'All at once at the agent’s port: a third half-open, a third that sends 8 KiB of garbage, a third that resets. Beside them a ' +
      `small request through HAProxy ${haproxy} each 10 ms. ${machineLine(machine)}; ${measuredAt.slice(0, 10)}.`,
    '',
  ].join('\n')
}

function said({ requests, answered, p50Ms, p99Ms, mostMs }: Asked): string {
  return `${latency(p50Ms)}, ${latency(p99Ms)}, ${latency(mostMs)} (${answered} of ${requests})`
}
