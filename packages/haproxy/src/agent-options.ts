import { BlockList, isIP, isIPv4 } from 'node:net'
import { type ByteSize, checkOptions, checkWhole, optionError } from '@plimsoll/core'
import { checkConcurrency, sizeFrom1 } from './limits.ts'

/** Options of an agent's endpoint. */
export interface AgentOptions {
  /** Where it listens, from 0: one that is free. */
  readonly port: number
  /** The address it listens at. Default `'127.0.0.1'`: HAProxy on another machine needs another one. */
  readonly host?: string
  /** What a request holds while it is under way, on average. Default: a sixteenth of the budget. */
  readonly requestSize?: ByteSize
  /** Requests at once at most, however many fit, from 1; small ones apart. Default: as many as fit. */
  readonly concurrency?: number
  /** HAProxies that ask, from 1. Default 1. Each is told its part of what fits. */
  readonly proxies?: number
  /** Who may ask: addresses, or networks such as `'10.0.0.0/8'`. Others are cut. Default: all who reach it. */
  readonly allow?: readonly string[]
  /** How many connections may be open at once, from 1. Default 64. One more, and the oldest of them goes: it was answered. */
  readonly connections?: number
}

export interface ResolvedAgent {
  readonly port: number
  readonly host: string
  readonly requestBytes: number
  readonly concurrency: number
  readonly proxies: number
  readonly allowed: (address: string) => boolean
  readonly connections: number
}

const KEYS = ['port', 'host', 'requestSize', 'concurrency', 'proxies', 'allow', 'connections']

/** Part of the budget that a request holds, where nobody says. */
const UNKNOWN_PART = 16

/** @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong */
export function resolveAgentOptions(options: AgentOptions, capacity: number): ResolvedAgent {
  checkOptions(options, KEYS, 'options')
  const { port, host = '127.0.0.1', requestSize, proxies = 1, allow, connections = 64 } = options
  if (typeof host !== 'string' || host === '') throw optionError('host', 'an address', host)
  return {
    port: checkWhole(port, 'port', 65_535),
    host,
    requestBytes:
      requestSize === undefined
        ? Math.max(1, Math.floor(capacity / UNKNOWN_PART))
        : sizeFrom1(requestSize, 'requestSize'),
    concurrency: checkConcurrency(options.concurrency),
    proxies: checkWhole(proxies, 'proxies', 1_000_000, 1),
    allowed: allow === undefined ? () => true : allowing(allow),
    connections: checkWhole(connections, 'connections', 1_000_000, 1),
  }
}

function allowing(allow: readonly string[]): (address: string) => boolean {
  if (!Array.isArray(allow)) throw optionError('allow', 'a list of addresses and networks', allow)
  const list = new BlockList()
  for (const [index, entry] of allow.entries()) addTo(list, entry, `allow[${index}]`)
  // Over a socket for both families an IPv4 address is a part of an IPv6 one, which the list knows.
  return address => list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

function addTo(list: BlockList, entry: unknown, option: string): void {
  const [, address = '', prefix] =
    typeof entry === 'string' ? (/^([^/]*)(?:\/(\d{1,3}))?$/.exec(entry) ?? []) : []
  const family = isIP(address)
  const most = family === 4 ? 32 : 128
  if (family === 0 || address.includes('%') || Number(prefix ?? 0) > most)
    throw optionError(option, 'an address or a network such as "10.0.0.0/8"', entry)
  list.addSubnet(address, prefix === undefined ? most : Number(prefix), family === 4 ? 'ipv4' : 'ipv6')
}
