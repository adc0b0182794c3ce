import {
  ByteBudget,
  chooseBudget,
  FLOATING_BYTES,
  type GovernorReport,
  type MemoryLimit,
  memoryLimit,
} from '@plimsoll/core'
import { type TypicalRequest, typicalRequest } from './typical-request.ts'

/** What advice is asked about; sizes are in bytes. */
export interface Question {
  readonly limit?: number
  readonly idle?: number
  readonly budget?: number
  readonly requestSize?: number
  readonly pods: number
  readonly workers: number
  readonly host?: number
  readonly report?: GovernorReport
}

/** A size, and who says so. */
interface Known {
  readonly bytes: number
  readonly from: string
}

/** What all advice follows from. Figures are of one process, but for `limit`. */
export interface Sizing {
  /** Of the container. */
  readonly limit: Known & { readonly source: MemoryLimit['source'] | '--limit' }
  /** What each process may use of it. */
  readonly limitBytes: number
  readonly idle: Known
  /** What the idle process, and what V8 lets float, leave of it; below 0 where they take more. */
  readonly room: number
  /** The budget that the limit carries by itself. */
  readonly carried: number
  readonly budget: number
  readonly budgetFrom: '--budget' | 'the report' | 'the limit'
  /** The budget that the report asks for; 0 without one. */
  readonly reported: number
  /** Nobody knows how long it takes where there is no report. */
  readonly request: (Omit<TypicalRequest, 'heldMs'> & Partial<TypicalRequest>) | undefined
  readonly queueTimeoutMs: number
  readonly pods: number
  readonly workers: number
  readonly host: number | undefined
}

/** What a server with a framework takes before its first request, where nobody says better. */
const ASSUMED_IDLE_BYTES = 80 * 2 ** 20

/** Says what holds where the question leaves something out. */
export function sizingOf({ report, requestSize, pods, workers, host, ...asked }: Question): Sizing {
  const limit = limitOf(asked.limit, report)
  const limitBytes = Math.floor(limit.bytes / workers)
  const idle =
    asked.idle !== undefined
      ? { bytes: asked.idle, from: '--idle' }
      : report !== undefined
        ? { bytes: report.memory.idleBytes, from: 'the report' }
        : { bytes: ASSUMED_IDLE_BYTES, from: 'an assumption: --idle or --report says better' }
  const carried = chooseBudget({ bytes: limitBytes, source: 'machine' }, idle.bytes).bytes
  const reported = report?.recommended.bytes ?? 0
  const [budget, budgetFrom] =
    asked.budget !== undefined
      ? ([asked.budget, '--budget'] as const)
      : report !== undefined && reported <= carried
        ? ([reported, 'the report'] as const)
        : ([carried, 'the limit'] as const)
  const typical = report && typicalRequest(report)
  return {
    limit,
    limitBytes,
    idle,
    room: limitBytes - idle.bytes - FLOATING_BYTES,
    carried,
    budget,
    budgetFrom,
    reported,
    request:
      requestSize === undefined ? typical : { ...typical, bytes: requestSize, largestBytes: requestSize },
    queueTimeoutMs: new ByteBudget({ capacity: budget }).queue.timeoutMs,
    pods,
    workers,
    host,
  }
}

/** The server's own limit, where it has told it: whoever asks may sit elsewhere. */
function limitOf(asked: number | undefined, report: GovernorReport | undefined): Sizing['limit'] {
  if (asked !== undefined) return { bytes: asked, from: '--limit', source: '--limit' }
  const { bytes, source } = report?.memory.limit ?? memoryLimit()
  return { bytes, from: `${source}, ${report ? 'of the report' : 'here'}`, source }
}
