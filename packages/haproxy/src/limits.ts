import {
  type ByteSize,
  checkDuration,
  checkWhole,
  connectionsFor,
  laneBeside,
  optionError,
  parseByteSize,
  smallFor,
  waitersBeside,
} from '@plimsoll/core'
import { maxconn } from './maxconn.ts'

/** What a proxy's limits follow from. Sizes and counts are those of one process, unless they say otherwise. */
export interface LimitOptions {
  /** Of the governor. */
  readonly budget: ByteSize
  /** What a request holds while it is under way, on average. */
  readonly requestSize: ByteSize
  /** What the largest hold that are to be counted with. Default: `requestSize`. */
  readonly largestRequest?: ByteSize
  /** Bodies up to so many bytes are small. Default: what fits into the lane of such a budget; 0: bodies are never small. */
  readonly smallRequest?: ByteSize
  /**
   * Requests at once to one process at most, however many fit, from 1; small ones apart. Default: as many as fit. Where a
   * process has its CPU at work with fewer, more at once make each slower, the small ones beside them too.
   */
  readonly concurrency?: number
  /** How many may wait in the governor, from 0. Default: that of a governor with such a budget. */
  readonly queueLimit?: number
  /** How many connections it takes, from 1. Default: that of a governor with such a budget. */
  readonly connections?: number
  /** Processes that share a port (cluster, PM2), from 1. Default 1. */
  readonly workers?: number
  /** HAProxies that share the load, from 1. Default 1. */
  readonly proxies?: number
  /** How long a request may wait in HAProxy, in milliseconds from 1. Default 30_000. */
  readonly queueTimeoutMs?: number
  /** How long a pod may say nothing, its own queue included, in milliseconds from 1. Default: `queueTimeoutMs` and a minute more. */
  readonly serverTimeoutMs?: number
}

/** Limits of one HAProxy. */
export interface Limits {
  /** Requests at once to one pod; the others wait in HAProxy. */
  readonly maxConnPerPod: number
  /** Small requests at once to one pod, beside those. */
  readonly maxConnSmallPerPod: number
  /** Up to so many bytes a body is small. */
  readonly smallBytes: number
  /** How long each waits at most, in milliseconds. */
  readonly queueTimeoutMs: number
  /** How long a pod may say nothing, in milliseconds. */
  readonly serverTimeoutMs: number
}

export const LIMIT_KEYS = [
  'budget',
  'requestSize',
  'largestRequest',
  'smallRequest',
  'concurrency',
  'queueLimit',
  'connections',
  'workers',
  'proxies',
  'queueTimeoutMs',
  'serverTimeoutMs',
]

/** What a pod may take for its answer beside the time in queues, where nobody says. */
const ANSWER_MS = 60_000

/** Small requests have a part of those who may wait: what they take in sum is next to nothing, and large ones wait too. */
const SMALL_PART = 4

/**
 * The limits that a budget carries.
 *
 * @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong
 */
export function limitsOf(options: LimitOptions): Limits {
  const budget = sizeFrom1(options.budget, 'budget')
  const requestBytes = sizeFrom1(options.requestSize, 'requestSize')
  const largestBytes = sizeFrom1(options.largestRequest ?? requestBytes, 'largestRequest')
  const smallBytes = parseByteSize(
    options.smallRequest ?? Math.max(0, smallFor(laneBeside(budget))),
    'smallRequest',
  )
  const queueLimit = checkCount(options.queueLimit ?? waitersBeside(budget), 'queueLimit', 0)
  const connections = checkCount(options.connections ?? connectionsFor(budget), 'connections')
  const workers = checkCount(options.workers ?? 1, 'workers')
  const concurrency = checkConcurrency(options.concurrency)
  const proxies = checkCount(options.proxies ?? 1, 'proxies')
  const queueTimeoutMs = checkDuration(options.queueTimeoutMs ?? 30_000, 'queueTimeoutMs', 1)
  const serverMs = options.serverTimeoutMs ?? Math.min(queueTimeoutMs + ANSWER_MS, 2 ** 31 - 1)
  const each = (ofAll: number): number => Math.max(1, Math.ceil(ofAll / proxies))
  const behind = { budget, requestBytes, largestBytes, concurrency, queueLimit, connections, workers }
  return {
    maxConnPerPod: each(maxconn(behind)),
    maxConnSmallPerPod: each(workers * Math.min(connections, Math.floor(queueLimit / SMALL_PART))),
    smallBytes,
    queueTimeoutMs,
    serverTimeoutMs: checkDuration(serverMs, 'serverTimeoutMs', 1),
  }
}

function checkCount(value: number, option: string, least = 1): number {
  return checkWhole(value, option, 1_000_000, least)
}

/** @throws `ERR_PLIMSOLL_OPTION` where it is no whole number from 1 */
export function checkConcurrency(value: number | undefined): number {
  return value === undefined ? Number.POSITIVE_INFINITY : checkCount(value, 'concurrency')
}

/** @throws `ERR_PLIMSOLL_OPTION` where it is no size, or 0 */
export function sizeFrom1(value: ByteSize, option: string): number {
  const bytes = parseByteSize(value, option)
  if (bytes === 0) throw optionError(option, 'more than 0 bytes', value)
  return bytes
}
