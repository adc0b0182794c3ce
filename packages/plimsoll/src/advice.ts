import {
  BESIDE_A_WAITER,
  CONNECTION_BYTES,
  connectionsFor,
  FLOATING_BYTES,
  limitFor,
  waitersBeside,
} from '@plimsoll/core'
import { maxconn } from '@plimsoll/haproxy'
import { type HeapLimits, heapLimits, NATIVE_BYTES, PLANNED } from './heap-limit.ts'
import { type Question, type Sizing, sizingOf } from './sizing.ts'
import { type SwapAdvice, swapAdvice } from './swap-advice.ts'
import { type Warning, warningsOf } from './warnings.ts'
import { count, duration, size } from './wording.ts'

/** A figure, and how it came about. */
interface Reasoned {
  readonly arithmetic: string
}

/** What `plimsoll advise` says; with `--json` it is printed as it is. Sizes are in bytes. */
export interface Advice {
  readonly sizing: Sizing
  readonly budget: Reasoned & { readonly bytes: number }
  readonly connections: Reasoned & { readonly limit: number }
  readonly queue: Reasoned & { readonly limit: number; readonly timeoutMs: number }
  readonly maxOldSpaceSize: Reasoned & HeapLimits
  readonly containerLimit: Reasoned & { readonly bytes: number }
  /** `maxconn` of one `server`, undefined where nobody said what a request holds; and `timeout queue`. */
  readonly haproxy: Reasoned & { readonly maxconn: number | undefined; readonly queueTimeoutMs: number }
  readonly swap: SwapAdvice
  readonly warnings: readonly Warning[]
}

export function advise(question: Question): Advice {
  const sizing = sizingOf(question)
  const { budget } = sizing
  const connections = connectionsFor(budget)
  const queue = queueOf(sizing)
  const containerLimit = containerLimitOf(sizing)
  return {
    sizing,
    budget: { bytes: budget, arithmetic: budgetArithmetic(sizing) },
    connections: {
      limit: connections,
      arithmetic: `${size(budget)} / ${size(CONNECTION_BYTES)} a connection, at least ${count(connectionsFor(0))}`,
    },
    queue,
    maxOldSpaceSize: heapOf(sizing),
    containerLimit,
    haproxy: haproxyOf(sizing, connections, queue.limit),
    swap: swapAdvice(sizing),
    warnings: warningsOf(sizing, containerLimit.bytes),
  }
}

function budgetArithmetic({ budgetFrom, limit, workers, idle, room, carried }: Sizing): string {
  const share = workers === 1 ? size(limit.bytes) : `${size(limit.bytes)} / ${workers}`
  const half = `(${share} - ${size(idle.bytes)} idle - ${size(FLOATING_BYTES)} floating) / 2`
  const carries = 2 * carried > room ? `${share} / 16` : half
  return budgetFrom === 'the limit'
    ? `${carries} = ${size(carried, Math.floor)}`
    : `by ${budgetFrom}; the limit carries ${carries} = ${size(carried, Math.floor)}`
}

function queueOf({ budget, request, queueTimeoutMs: timeoutMs }: Sizing): Advice['queue'] {
  const beside = waitersBeside(budget)
  const carried = `${size(budget)} / ${size(BESIDE_A_WAITER)} a waiter, at most 1,000`
  if (request?.heldMs === undefined) return { limit: beside, timeoutMs, arithmetic: carried }
  // Who can't be served in time is better refused at once.
  const served = Math.max(1, Math.floor(((budget / request.bytes) * timeoutMs) / request.heldMs))
  if (served >= beside) return { limit: beside, timeoutMs, arithmetic: carried }
  const pace = `${size(budget)} / ${size(request.bytes)} a request x ${duration(timeoutMs)} / ${duration(request.heldMs)}`
  return { limit: served, timeoutMs, arithmetic: `as many as are served in time: ${pace}` }
}

function heapOf({ limitBytes, idle, budget }: Sizing): Advice['maxOldSpaceSize'] {
  const native = size(Math.min(NATIVE_BYTES, idle.bytes))
  return {
    ...heapLimits(limitBytes, idle.bytes, budget),
    arithmetic:
      `${PLANNED} x ${size(limitBytes)} - ${size(FLOATING_BYTES)} floating - ${native} native - ` +
      `${size(budget)} budget, where that is in Buffers`,
  }
}

/** What the largest budget needs that somebody asks for. */
function containerLimitOf({ budget, reported, request, idle, workers }: Sizing): Advice['containerLimit'] {
  const wanted = Math.max(budget, reported, request?.largestBytes ?? 0)
  const one = `${size(idle.bytes)} idle + ${size(FLOATING_BYTES)} floating + 2 x ${size(wanted)} budget`
  return {
    bytes: Math.ceil((workers * limitFor(wanted, idle.bytes)) / 2 ** 20) * 2 ** 20,
    arithmetic: workers === 1 ? one : `${workers} x (${one})`,
  }
}

function haproxyOf(sizing: Sizing, connections: number, queueLimit: number): Advice['haproxy'] {
  const { budget, request, workers, queueTimeoutMs } = sizing
  if (request === undefined) {
    return { maxconn: undefined, queueTimeoutMs, arithmetic: 'budget / --request-size, or --report' }
  }
  const { bytes: requestBytes, largestBytes } = request
  const most = maxconn({ budget, requestBytes, largestBytes, queueLimit, connections, workers })
  const processes = workers === 1 ? '' : `${workers} workers x `
  const fit = `${size(budget)} / ${size(requestBytes)} a request`
  const kept = `${size(budget)} / ${size(largestBytes)} a large one + ${count(queueLimit)} that wait`
  const few = Math.floor(budget / requestBytes) <= most / workers
  return {
    maxconn: most,
    queueTimeoutMs,
    arithmetic: few ? processes + fit : `${processes}(${kept}), fewer than ${fit}`,
  }
}
