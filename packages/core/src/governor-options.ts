import { ByteBudget } from './byte-budget.ts'
import { type ByteSize, mebibytes, parseByteSize } from './byte-size.ts'
import { connectionsFor } from './connection-limit.ts'
import { optionError } from './errors.ts'
import { type RecorderOptions, type ResolvedRecorder, resolveRecorder } from './flight-recorder.ts'
import { type HealthOptions, type ResolvedHealth, resolveHealth } from './health.ts'
import { laneBeside } from './lane.ts'
import { type ChosenBudget, chooseBudget } from './memory-limit.ts'
import { checkMode, type ModeOption } from './mode.ts'
import { checkObject, checkOptions, checkWhole, type QueueOptions, waitersBeside } from './options.ts'
import { checkLogger, type Logger, processLogger } from './refusal-log.ts'
import type { RequestHead } from './request-head.ts'
import { type ResolvedPolicy, type RoutePolicy, resolvePolicy } from './route-policy.ts'
import type { ShareOptions } from './shares.ts'
import { WorkerShare } from './worker-share.ts'
import { workers } from './workers.ts'

/** Options of a governor. The policy among them holds for every route that has none of its own. */
export interface GovernorOptions extends Omit<RoutePolicy, 'exempt'> {
  /**
   * `'enforce'` (default), or `'observe'`: account for everything, hold up and refuse nothing, and report what would have
   * happened. A function is asked at each request. A route's own goes first.
   */
  readonly mode?: ModeOption
  /**
   * Bytes, a budget of one's own (to share it), or `'auto'` (default): from the container's limit. Workers of node:cluster share
   * that limit: of `'auto'` each has its part, and another one when there are more or fewer of them.
   */
  readonly budget?: ByteSize | ByteBudget | 'auto'
  /** Bounds of the queue. With a ByteBudget of one's own they are its own, and these an error. */
  readonly queue?: QueueOptions
  /**
   * Requests that never wait and reserve 0 bytes, for health and metrics routes; their bodies stay
   * bounded. Only `true` exempts.
   */
  readonly exempt?: (head: RequestHead) => boolean
  /** The largest share of the budget that one client may hold. Default: none. */
  readonly share?: ShareOptions
  /**
   * How many connections may be open at once on all servers that are attached, from 1. Default: one for each 16 KiB of
   * the budget, and at least 1024. Where it is met, the one that has asked for nothing for longest is closed, if that
   * is more than a second; else the newcomer is refused. A smaller `server.maxConnections` holds, and answers nobody.
   */
  readonly connections?: number
  /**
   * Whether to look at the container's real memory, each 50 ms while anything is reserved or waited for: from three quarters
   * of the limit on large requests wait, or are refused with 503. Default: true where the budget is `'auto'`, else false.
   */
  readonly valve?: boolean
  /**
   * A file that keeps the last minute of the governor's state, a sample a second, and survives a SIGKILL of the process;
   * see {@link readFlight}. Default: none, and nothing is written.
   */
  readonly recorder?: string | RecorderOptions
  /** When {@link Governor.health} says that it is not ready, or not live. */
  readonly health?: HealthOptions
  /**
   * The header in which whoever calls says how many milliseconds a request has left, where a caller is trusted to: a proxy
   * sets or strips it. Of it and `deadlineMs` the sooner holds; 0 and less is refused with 504, and what is no number says
   * nothing. Default: none is read.
   */
  readonly deadlineHeader?: string
  /** Where to log. Default: Node's warnings on stderr, and `NODE_DEBUG=plimsoll`. */
  readonly logger?: Logger
}

export interface ResolvedOptions {
  readonly budget: ByteBudget
  readonly policy: ResolvedPolicy
  readonly exempt: ((head: RequestHead) => boolean) | undefined
  readonly share: ShareOptions | undefined
  /** What one request may cost at most, if it has all of the budget to itself. */
  readonly alone: number
  readonly connections: number
  readonly mode: ModeOption
  readonly valve: boolean
  /** Of a budget that was chosen in a worker of node:cluster. */
  readonly workerShare: WorkerShare | undefined
  readonly recorder: ResolvedRecorder | undefined
  readonly health: ResolvedHealth
  /** In lower case. */
  readonly deadlineHeader: string | undefined
  readonly logger: Logger
}

/** What a governor's options may say. */
export const GOVERNOR_KEYS = [
  'budget',
  'queue',
  'exempt',
  'share',
  'connections',
  'mode',
  'valve',
  'recorder',
  'health',
  'logger',
  'cost',
  'maxBody',
  'body',
  'requireLength',
  'acceptEncoded',
  'deadlineMs',
  'deadlineHeader',
]

/** @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong */
export function resolveGovernorOptions(options: GovernorOptions): ResolvedOptions {
  checkOptions(options, GOVERNOR_KEYS, 'options')
  const { budget = 'auto', queue, exempt, share, connections, mode = 'enforce', ...others } = options
  const { valve = budget === 'auto', recorder, health, deadlineHeader, ...more } = others
  const { logger = processLogger, ...policy } = more
  if (exempt !== undefined && typeof exempt !== 'function') throw optionError('exempt', 'a function', exempt)
  if (typeof valve !== 'boolean') throw optionError('valve', 'true or false', valve)
  if (deadlineHeader !== undefined && !isHeaderName(deadlineHeader))
    throw optionError('deadlineHeader', 'the name of a header', deadlineHeader)
  checkLogger(logger)
  if (connections !== undefined) checkWhole(connections, 'connections', Number.MAX_SAFE_INTEGER, 1)
  const siblings = budget === 'auto' ? workers() : undefined
  const workerShare = siblings && new WorkerShare(siblings, logger)
  const chosen = budget === 'auto' ? (workerShare?.chosen ?? chooseBudget()) : undefined
  const resolved = isBudget(budget)
    ? ownBudget(budget, queue)
    : newBudget(chosen?.bytes ?? budget, queue, chosen !== undefined)
  if (chosen !== undefined) tellChosen(chosen, logger)
  workerShare?.govern(resolved)
  // That of a worker changes.
  const bearer = workerShare ?? (chosen && { chosen })
  return Object.freeze({
    policy: resolvePolicy(chosen === undefined ? policy : { cost: 'auto', ...policy }),
    budget: resolved,
    get alone() {
      return bearer?.chosen.roomBytes ?? resolved.capacity
    },
    exempt,
    share,
    connections: connections ?? connectionsFor(resolved.capacity),
    mode: checkMode(mode),
    valve,
    workerShare,
    recorder: recorder === undefined ? undefined : resolveRecorder(recorder),
    health: resolveHealth(health),
    deadlineHeader: deadlineHeader?.toLowerCase(),
    logger,
  })
}

/** RFC 9110 section 5.6.2: a token. */
function isHeaderName(value: unknown): boolean {
  return typeof value === 'string' && /^[!#$%&'*+.^_`|~\w-]+$/.test(value)
}

function newBudget(budget: ByteSize, queue: QueueOptions | undefined, chosen: boolean): ByteBudget {
  if (queue !== undefined) checkObject(queue, 'queue')
  const capacity = parseByteSize(budget, 'budget')
  const limit = chosen ? { limit: waitersBeside(capacity) } : {}
  return new ByteBudget({
    capacity,
    queue: { ...limit, lane: laneBeside(capacity), passBytes: capacity, ...queue },
  })
}

function tellChosen({ bytes, limit, residentBytes, because }: ChosenBudget, logger: Logger): void {
  logger.info(
    { budget: bytes, limit: limit.bytes, source: limit.source, rss: residentBytes },
    `plimsoll chose a budget of ${mebibytes(bytes)}: ${because}`,
  )
}

function ownBudget(budget: ByteBudget, queue: QueueOptions | undefined): ByteBudget {
  if (queue !== undefined) throw optionError('queue', 'left out with a ByteBudget, which has its own', queue)
  return budget
}

/** By shape, since the budget may come from another copy of this package. */
function isBudget(value: unknown): value is ByteBudget {
  return typeof value === 'object' && value !== null && typeof (value as ByteBudget).tryAcquire === 'function'
}
