import type { Attackers } from '../fairness/scenarios.ts'
import type { Wave } from '../flood/scenarios.ts'
import { named } from '../named.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20

/** What is sent. `chunked` is without a length; `gzip` and `json` are of `bytes` once they are inflated, or as text. */
export type RequestKind = 'upload' | 'download' | 'chunked' | 'json' | 'gzip' | 'fan-out'

export interface Sends extends Wave {
  readonly kind: RequestKind
  /** So long new ones are sent, as many as come to it; without it, as many as `requests` says. */
  readonly forMs?: number
  /** Goes on until the others are done, and is not counted. */
  readonly beside?: true
}

/** One load. */
export interface Row {
  readonly name: string
  readonly title: { readonly name: string; readonly load: string }
  readonly sends: readonly Sends[]
  readonly attackers?: Attackers
  readonly haproxy: ByHand
}

/** What somebody who knows this load, and no other, would tell HAProxy. */
export interface ByHand {
  /** Requests at the server at once that are not small; the others wait. */
  readonly maxconn: number
  /** Connections of one address; who has more reads 429. Attackers share one. */
  readonly perAddress?: number
}

/** A load goes on so long at most; beside attackers longer, since whoever has no limit by hand has to tell them first. */
const STOP_AFTER_MS = { load: 20_000, attack: 45_000 }
/** Whose server and clients are on one machine: objects are kept in memory, so they are few. */
const OBJECTS = 2
/** Of what is downloaded. */
export const STORED_BYTES = 32 * MiB
/** What each request of `fan-out` asks of an upstream at once, and what each answer is. */
export const FAN_OUT = { calls: 32, bytes: 256 * KiB }

const uploads = wave('upload', 16 * MiB, 128)

export const rows: readonly Row[] = [
  {
    name: 'uploads',
    title: { name: 'Uploads', load: '128 of 16 MiB at once' },
    sends: [uploads],
    haproxy: { maxconn: 7 },
  },
  {
    name: 'downloads',
    title: { name: 'Downloads', load: '180 of 16 MiB at once' },
    sends: [wave('download', 16 * MiB, 180)],
    haproxy: { maxconn: 18 },
  },
  {
    name: 'mixed',
    title: { name: 'Both', load: '64 uploads of 16 MiB and 45 downloads of 32 MiB at once' },
    sends: [wave('upload', 16 * MiB, 64), wave('download', STORED_BYTES, 45)],
    haproxy: { maxconn: 10 },
  },
  {
    name: 'parts',
    title: { name: '192 parts', load: '192 uploads of 8 MiB and 30 downloads of 32 MiB at once' },
    sends: [wave('upload', 8 * MiB, 192), wave('download', STORED_BYTES, 30)],
    haproxy: { maxconn: 16 },
  },
  {
    name: 'chunked',
    title: { name: 'Bodies without a length', load: '16 MiB each, 96 at once, 192 in all' },
    sends: [wave('chunked', 16 * MiB, 96, 192)],
    haproxy: { maxconn: 7 },
  },
  {
    name: 'json',
    title: { name: 'JSON', load: '40 bodies of 8 MiB at once' },
    sends: [wave('json', 8 * MiB, 40)],
    haproxy: { maxconn: 3 },
  },
  {
    name: 'gzip',
    title: { name: 'Bodies in gzip', load: '128 at once, of 1 MiB that becomes 8 MiB' },
    sends: [wave('gzip', 8 * MiB, 128)],
    haproxy: { maxconn: 16 },
  },
  {
    name: 'stalled-senders',
    title: {
      name: 'Stalled senders',
      load: '64 send 15.8 of 16 MiB and stall; beside them 24 uploads of 4 MiB',
    },
    attackers: { kind: 'sender', sockets: 64, bytes: 16 * MiB, paidBytes: 15.8 * MiB, backAfterMs: 20 },
    sends: [wave('upload', 4 * MiB, 4, 24)],
    haproxy: { maxconn: 16, perAddress: 8 },
  },
  {
    name: 'slow-readers',
    title: { name: 'Slow readers', load: '64 take 1 KiB/s of 32 MiB; beside them 24 downloads' },
    attackers: { kind: 'reader', sockets: 64, bytes: STORED_BYTES, backAfterMs: 3_000 },
    sends: [wave('download', STORED_BYTES, 4, 24)],
    haproxy: { maxconn: 16, perAddress: 8 },
  },
  {
    name: 'connections',
    title: { name: '5,000 connections', load: 'each asks for 512 KiB at once' },
    sends: [wave('download', 512 * KiB, 5_000)],
    haproxy: { maxconn: 128 },
  },
  {
    name: 'small',
    title: { name: 'Small ones in a flood', load: '16 clients with 4 KiB each, in the flood of uploads' },
    sends: [
      { ...uploads, beside: true },
      { ...wave('upload', 4 * KiB, 16), forMs: 8_000 },
    ],
    haproxy: { maxconn: 7 },
  },
  {
    name: 'fan-out',
    title: { name: 'Unbounded fan-out', load: '32 calls for 256 KiB each, 128 at once, 256 in all' },
    sends: [wave('fan-out', FAN_OUT.calls * FAN_OUT.bytes, 128, 256)],
    haproxy: { maxconn: 20 },
  },
]

/** For a look, and for a test: little, and just enough to pass the limit. */
export const briefRows: readonly Row[] = [
  {
    name: 'uploads',
    title: { name: 'Uploads, in brief', load: '16 MiB each, 48 at once and in all' },
    sends: [wave('upload', 16 * MiB, 48)],
    haproxy: { maxconn: 6 },
  },
]

/** How long the load goes on at most. */
export function stopAfterMs({ attackers }: Row): number {
  return attackers === undefined ? STOP_AFTER_MS.load : STOP_AFTER_MS.attack
}

/** @throws where there is none of this name */
export function rowNamed(name: string, brief = false): Row {
  return named('--row', name, brief ? briefRows : rows)
}

function wave(kind: RequestKind, bytes: number, concurrency: number, requests = concurrency): Sends {
  // All that are downloaded are one object.
  return { kind, requests, concurrency, bytes, objects: kind === 'download' ? 1 : OBJECTS }
}
