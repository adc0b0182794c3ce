import type { Wave } from '../flood/scenarios.ts'
import { named } from '../named.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20

/** Clients that take what they are given and stall. They come back whenever they are cut. */
export interface Attackers {
  /**
   * A sender declares `bytes` and sends a byte a second; a reader asks for `bytes` and takes 1 KiB a second; half a
   * head is all that comes, whatever `bytes` says.
   */
  readonly kind: 'sender' | 'reader' | 'half-head'
  readonly sockets: number
  readonly bytes: number
  /** Of a sender: what it sends at first, as fast as it can. Default 0. */
  readonly paidBytes?: number
  readonly backAfterMs: number
}

/** Honest requests of one kind. */
export interface Honest {
  readonly name: string
  readonly kind: 'upload' | 'download' | 'events'
  readonly bytes: number
  /** Without it: until the flood beside them is over. */
  readonly requests?: number
  /** When the first one comes, and after what time the next; 0: all at once. They don't wait for each other. */
  readonly startMs: number
  readonly everyMs: number
  /** Of a slow but honest upload. Default: as fast as it can. */
  readonly bytesPerSecond?: number
  /** They come from so many addresses, in turns. Default: from 127.0.0.1. */
  readonly addresses?: number
  readonly asks: Asks
}

/** What is asked of the governed server. */
export interface Asks {
  /** Default: all. */
  readonly served?: number
  readonly eachMs?: number
  readonly p99Ms?: number
  /** Whoever is not served must have read 503 or 429 with Retry-After: no reset, and no silence. */
  readonly othersRefused?: true
}

export interface Scenario {
  readonly name: string
  readonly title: { readonly name: string; readonly load: string }
  readonly attackers?: Attackers
  readonly honest: readonly Honest[]
  /** Fast and honest clients beside them. */
  readonly flood?: Wave & {
    /** So many times the flood runs with the requests beside it and without, in turns. Default: once, and for as long as they take. */
    readonly rounds?: number
    /** MB/s of the rounds with them over those without. */
    readonly asksRatio?: number
  }
  /** Where a throughput is compared, it should not be the disk's. Default 'disk'. */
  readonly storage?: 'memory'
  /** Asked too. Default: the container's limit. */
  readonly peakBytes?: number
  readonly stopAfterMs: number
}

const small: Honest = {
  name: '16 KiB uploads',
  kind: 'upload',
  bytes: 16 * KiB,
  requests: 25,
  startMs: 0,
  everyMs: 200,
  asks: { p99Ms: 500 },
}
const besideUnpaid: readonly Honest[] = [
  small,
  {
    name: '16 MiB uploads',
    kind: 'upload',
    bytes: 16 * MiB,
    requests: 3,
    startMs: 5_000,
    everyMs: 0,
    asks: { eachMs: 20_000 },
  },
]
const slow: readonly Honest[] = [
  {
    name: '256 KiB at 64 KiB/s',
    kind: 'upload',
    bytes: 256 * KiB,
    requests: 100,
    startMs: 2_500,
    everyMs: 0,
    bytesPerSecond: 64 * KiB,
    asks: {},
  },
  {
    name: 'idle event streams',
    kind: 'events',
    bytes: 0,
    requests: 30,
    startMs: 0,
    everyMs: 0,
    asks: {},
  },
]
const uploads: Wave = { requests: 256, concurrency: 128, bytes: 16 * MiB, objects: 16 }

export const scenarios: readonly Scenario[] = [
  {
    name: 'senders-unpaid',
    title: { name: 'Senders that pay nothing', load: '64 sockets declare 16 MiB and send a byte a second' },
    attackers: { kind: 'sender', sockets: 64, bytes: 16 * MiB, backAfterMs: 20 },
    honest: besideUnpaid,
    stopAfterMs: 90_000,
  },
  {
    name: 'senders-paid',
    title: { name: 'Senders that pay a little', load: 'the same 64, with 64 KiB paid in at first' },
    attackers: { kind: 'sender', sockets: 64, bytes: 16 * MiB, paidBytes: 64 * KiB, backAfterMs: 20 },
    honest: besideUnpaid,
    stopAfterMs: 90_000,
  },
  {
    name: 'senders-nearly',
    title: { name: 'Senders that pay nearly all', load: '16 sockets send 15.8 of 16 MiB, then stall' },
    attackers: {
      kind: 'sender',
      sockets: 16,
      bytes: 16 * MiB,
      paidBytes: Math.floor(15.8 * MiB),
      backAfterMs: 20,
    },
    honest: [
      small,
      {
        name: '4 MiB uploads',
        kind: 'upload',
        bytes: 4 * MiB,
        requests: 5,
        startMs: 5_000,
        everyMs: 0,
        asks: { eachMs: 8_000 },
      },
      {
        name: '16 MiB uploads',
        kind: 'upload',
        bytes: 16 * MiB,
        requests: 3,
        startMs: 15_000,
        everyMs: 0,
        asks: { eachMs: 45_000 },
      },
    ],
    stopAfterMs: 90_000,
  },
  {
    name: 'readers',
    title: { name: 'Readers that take little', load: '64 downloads of 32 MiB, read at 1 KiB a second' },
    attackers: { kind: 'reader', sockets: 64, bytes: 32 * MiB, backAfterMs: 3_000 },
    honest: [
      {
        name: '32 MiB downloads',
        kind: 'download',
        bytes: 32 * MiB,
        requests: 8,
        startMs: 0,
        everyMs: 0,
        asks: { eachMs: 12_000 },
      },
      { ...small, requests: 20, asks: {} },
    ],
    peakBytes: 320 * MiB,
    stopAfterMs: 90_000,
  },
  {
    name: 'head-of-line',
    title: { name: 'Behind large uploads', load: '128 uploads of 16 MiB at once, 256 in all' },
    honest: [
      {
        name: '4 KiB uploads',
        kind: 'upload',
        bytes: 4 * KiB,
        startMs: 500,
        everyMs: 50,
        asks: { p99Ms: 100 },
      },
    ],
    // What is stored in memory is in the cage too: few objects.
    storage: 'memory',
    flood: { ...uploads, objects: 2, rounds: 3, asksRatio: 0.9 },
    stopAfterMs: 180_000,
  },
  {
    name: 'slow-but-honest',
    title: { name: 'Slow but honest, alone', load: '100 slow uploads and 30 idle event streams' },
    honest: slow,
    stopAfterMs: 90_000,
  },
  {
    name: 'slow-in-flood',
    title: { name: 'Slow but honest, in a flood', load: 'the same, beside 128 uploads of 16 MiB at once' },
    honest: slow.map(honest => (honest.kind === 'upload' ? { ...honest, asks: { served: 95 } } : honest)),
    flood: uploads,
    stopAfterMs: 90_000,
  },
  {
    name: 'crowd',
    title: { name: 'A crowd of uploads', load: '5,000 uploads of 16 MiB, all at once' },
    honest: [
      {
        name: '16 MiB uploads',
        kind: 'upload',
        bytes: 16 * MiB,
        requests: 5_000,
        startMs: 0,
        everyMs: 0,
        addresses: 100,
        asks: { served: 500, othersRefused: true },
      },
    ],
    stopAfterMs: 120_000,
  },
  {
    name: 'half-heads',
    title: { name: 'Half a head each', load: '20,000 connections send half a head' },
    // Back at once they would be a flood of connections, and that is another question.
    attackers: { kind: 'half-head', sockets: 20_000, bytes: 0, backAfterMs: 10_000 },
    honest: [small],
    stopAfterMs: 120_000,
  },
]

/** Without those that come for as long as a flood takes. */
export function knownRequests({ honest }: Scenario): number {
  return honest.reduce((sum, { requests = 0 }) => sum + requests, 0)
}

/** @throws where there is none of this name */
export function scenarioNamed(name: string): Scenario {
  return named('--scenario', name, scenarios)
}
