import { type ByteSize, parseByteSize } from './byte-size.ts'
import { optionError } from './errors.ts'
import { checkMode, type ModeOption } from './mode.ts'
import { checkDuration, checkOptions } from './options.ts'
import type { RequestHead } from './request-head.ts'

/** Bytes to reserve for a request with this head. */
export type CostFunction = (head: RequestHead) => ByteSize

/** A cost by the length of the body: `fixed + perByte * declaredBytes`. What a report recommends has this form. */
export interface CostByLength {
  /** Bytes for each request. */
  readonly fixed: ByteSize
  /** Bytes for each byte of its body, from 0. */
  readonly perByte: number
}

/** What a route costs and allows. */
export interface RoutePolicy {
  /**
   * Bytes to reserve, by the length of the body, or a function of the head. `'auto'`: by the kind of the body, and what
   * responses of the route have buffered lately. Default: the governor's own, unless `body` differs from its; else
   * `'auto'` with a budget of `'auto'`, else the declared body, or for `body: 'stream'` a window of it (128 KiB). For a
   * body without a length a function is asked once more with the largest body allowed, and again with the real length to
   * give the rest back.
   */
  readonly cost?: ByteSize | CostByLength | CostFunction | 'auto'
  /** Largest body accepted, whatever it costs. Default: what the budget can buffer; none for `'stream'`. */
  readonly maxBody?: ByteSize
  /** `'buffer'` (default): the handler reads the body whole. `'stream'`: only a window is held at a time. */
  readonly body?: 'buffer' | 'stream'
  /** Refuse a body without a length with 411, instead of reserving the largest. Default false. */
  readonly requireLength?: boolean
  /**
   * Accept bodies with a `Content-Encoding`. Default true: what comes out of the decoder that the request is piped into
   * counts. False where a handler decodes by itself what it has collected, or not at all: refuses them with 415.
   */
  readonly acceptEncoded?: boolean
  /** Never wait, and reserve 0 bytes: for health and metrics routes. Bodies stay bounded. Default false. */
  readonly exempt?: boolean
  /**
   * `'observe'`: nothing holds up or refuses the route's requests, and the report tells what would have happened. A function
   * is asked at each request. Default: the governor's own, which is `'enforce'`.
   */
  readonly mode?: ModeOption
  /**
   * How long a request may take from its admission on, with the time that it waits, in milliseconds from 1, at most
   * 2_147_483_647. Then the signal of its reservation aborts, and who waits is refused with 504; what is observed has
   * none. Default: none.
   */
  readonly deadlineMs?: number
}

/** What a body costs by its length alone: asked with each piece of it that arrives, so without a head, and it throws nothing. */
export interface LengthCost {
  ofLength(bodyBytes: number): number
}

/** A policy that was checked, with nothing left out; sizes are in bytes. */
export interface ResolvedPolicy {
  /** Undefined: the declared body, or a window of it. */
  readonly cost: number | LengthCost | CostFunction | 'auto' | undefined
  /** Undefined: what the budget can buffer, or no limit. */
  readonly maxBody: number | undefined
  /** Whether the handler reads the body whole. */
  readonly body: 'buffer' | 'stream'
  /** Whether a body without a length is refused. */
  readonly requireLength: boolean
  /** Whether an encoded body is let in. */
  readonly acceptEncoded: boolean
  /** Whether it never waits and reserves nothing. */
  readonly exempt: boolean
  /** Undefined: the governor's own. */
  readonly mode: ModeOption | undefined
  /** Undefined: none. */
  readonly deadlineMs: number | undefined
}

/** What a policy may say. */
export const POLICY_KEYS = [
  'cost',
  'maxBody',
  'body',
  'requireLength',
  'acceptEncoded',
  'exempt',
  'mode',
  'deadlineMs',
]

const DEFAULT_POLICY: ResolvedPolicy = Object.freeze({
  cost: undefined,
  maxBody: undefined,
  body: 'buffer',
  requireLength: false,
  acceptEncoded: true,
  exempt: false,
  mode: undefined,
  deadlineMs: undefined,
})

/**
 * Checks a policy and fills what it leaves out from `base`. Not its cost where the two read the body in different
 * ways: a cost is made for one of them.
 *
 * @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong
 */
export function resolvePolicy(policy: RoutePolicy, base: ResolvedPolicy = DEFAULT_POLICY): ResolvedPolicy {
  checkOptions(policy, POLICY_KEYS, 'policy')
  const { maxBody, body = base.body, requireLength = base.requireLength, exempt = base.exempt } = policy
  const { acceptEncoded = base.acceptEncoded, mode = base.mode, deadlineMs = base.deadlineMs } = policy
  // What is learned of a route holds however it reads.
  const inherited = body === base.body || base.cost === 'auto' ? base.cost : undefined
  if (body !== 'buffer' && body !== 'stream') throw optionError('body', '"buffer" or "stream"', body)
  if (typeof requireLength !== 'boolean') throw optionError('requireLength', 'true or false', requireLength)
  if (typeof acceptEncoded !== 'boolean') throw optionError('acceptEncoded', 'true or false', acceptEncoded)
  if (typeof exempt !== 'boolean') throw optionError('exempt', 'true or false', exempt)
  return Object.freeze({
    cost: policy.cost === undefined ? inherited : resolveCost(policy.cost),
    maxBody: maxBody === undefined ? base.maxBody : parseByteSize(maxBody, 'maxBody'),
    body,
    requireLength,
    acceptEncoded,
    exempt,
    mode: mode === undefined ? undefined : checkMode(mode),
    deadlineMs: deadlineMs === undefined ? undefined : checkDuration(deadlineMs, 'deadlineMs', 1),
  })
}

function resolveCost(cost: NonNullable<RoutePolicy['cost']>): ResolvedPolicy['cost'] {
  if (cost === 'auto' || typeof cost === 'function') return cost
  return typeof cost === 'object' ? costByLength(cost) : parseByteSize(cost, 'cost')
}

function costByLength(cost: CostByLength): LengthCost {
  checkOptions(cost, ['fixed', 'perByte'], 'cost')
  if (cost.fixed === undefined || cost.perByte === undefined)
    throw optionError('cost', 'a size, a function, "auto", or both of fixed and perByte', cost)
  const fixed = parseByteSize(cost.fixed, 'cost.fixed')
  const { perByte } = cost
  if (typeof perByte !== 'number' || !(perByte >= 0 && perByte < Number.POSITIVE_INFINITY))
    throw optionError('cost.perByte', 'a number from 0', perByte)
  return { ofLength: bodyBytes => Math.ceil(fixed + perByte * bodyBytes) }
}
