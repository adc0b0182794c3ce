import type { Advice } from './advice.ts'
import { budgetSnippet } from './snippet.ts'
import { wrapped } from './table.ts'
import { counted, duration, size } from './wording.ts'

/** Advice as people read it: what to set, with its arithmetic below it. */
export function adviceText(advice: Advice): string {
  const { sizing, budget, connections, queue, maxOldSpaceSize, containerLimit, haproxy, swap } = advice
  const { limit, idle, pods, workers, host } = sizing
  const lines = [
    [
      wrapped(
        `For ${counted(pods, 'container')} with a limit of ${size(limit.bytes)} (${limit.from}), ` +
          `${counted(workers, 'process', 'processes')} each of ${size(idle.bytes)} idle (${idle.from})` +
          `${host === undefined ? '' : `, on a host of ${size(host)}`}.`,
      ),
    ],
    [budgetSnippet(budget.bytes), budget.arithmetic],
    [`connections: ${connections.limit}`, connections.arithmetic],
    [`queue: { limit: ${queue.limit} }`, queue.arithmetic],
    [...heap(maxOldSpaceSize), maxOldSpaceSize.arithmetic],
    [`limit to ask for (request = limit): ${kubernetes(containerLimit.bytes)}`, containerLimit.arithmetic],
    [`HAProxy: maxconn ${haproxy.maxconn ?? 'not known'}, of each server`, haproxy.arithmetic],
    [
      `HAProxy: timeout queue ${duration(haproxy.queueTimeoutMs)}`,
      'queue.timeoutMs; timeout server longer, since a request may wait in the server, too',
    ],
    [`swap: ${swap.helps ? 'helps a little' : 'does not help'}`, swap.because],
    ...advice.warnings.map(({ text }) => [wrapped(`WARNING: ${text}`)]),
  ]
  return lines.map(entry => section(entry)).join('\n\n')
}

/** The flag differs by a whole budget, so whoever copies it has to choose. */
function heap({ buffers, parsed }: Advice['maxOldSpaceSize']): string[] {
  const held = { 'hold bodies as Buffers': buffers, 'parse them (JSON, forms) or hold strings': parsed }
  return Object.entries(held).map(([how, mebibytes]) =>
    mebibytes === undefined
      ? `no --max-old-space-size (too little is left) where handlers ${how}`
      : `--max-old-space-size=${mebibytes} where handlers ${how}`,
  )
}

function kubernetes(bytes: number): string {
  return `memory: ${bytes / 2 ** 20}Mi`
}

/** What to set, and below it, indented, how it came about. */
function section(lines: readonly string[]): string {
  return lines.map((line, n) => (n > 0 && n === lines.length - 1 ? wrapped(line, '    ') : line)).join('\n')
}
