import type { Attackers } from '../fairness/scenarios.ts'
import { scenarios, type Wave } from '../flood/scenarios.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20

/** What is sent. `chunked` is without a length; `gzip` and `json` are of `bytes` once they are inflated, or as text. */
export type RequestKind = 'upload' | 'download' | 'chunked' | 'json' | 'gzip' | 'fan-out'

export interface Sends extends Wave {
  readonly kind: RequestKind
  /** So long new ones are sent, and however many; without it, as many as `requests` says. */
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

/** A load goes on so long at most, and so no cell takes longer than 20 s. */
export const STOP_AFTER_MS = 12_000
/** Whose server and clients are on one machine: objects are kept in memory, so they are few. */
const OBJECTS = 2
/** Of what is downloaded. */
export const STORED_BYTES = 32 * MiB
/** What each request of `fan-out` asks of an upstream at once, and what each answer is. */
export const FAN_OUT = { calls: 32, bytes: 256 * KiB }

export const rows: readonly Row[] = [
  { ...likeFlood('uploads'), haproxy: { maxconn: 6 } },
  { ...likeFlood('downloads'), haproxy: { maxconn: 12 } },
  { ...likeFlood('mixed'), haproxy: { maxconn: 8 } },
  { ...likeFlood('parts'), haproxy: { maxconn: 12 } },
  {
    name: 'chunked',
    title: { name: 'Bodies without a length', load: '8 MiB each, 96 at once, 192 in all' },
    sends: [wave('chunked', 8 * MiB, 96, 192)],
    haproxy: { maxconn: 8 },
  },
  {
    name: 'json',
    title: { name: 'JSON', load: '8 MiB each, 48 at once, 64 in all' },
    sends: [wave('json', 8 * MiB, 48, 64)],
    haproxy: { maxconn: 3 },
  },
  {
    name: 'gzip',
    title: { name: 'Bodies in gzip', load: '8 MiB from 1 MiB, 128 at once, 192 in all' },
    sends: [wave('gzip', 8 * MiB, 128, 192)],
    haproxy: { maxconn: 8 },
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
    title: { name: '5,000 connections', load: 'each with an upload of 512 KiB, all at once' },
    sends: [wave('upload', 512 * KiB, 5_000, 5_000)],
    haproxy: { maxconn: 64 },
  },
  {
    name: 'small',
    title: { name: 'Small ones in a flood', load: '16 clients with 4 KiB each, in the flood of uploads' },
    sends: [
      { ...likeFlood('uploads').sends[0], beside: true } as Sends,
      { ...wave('upload', 4 * KiB, 16, Number.POSITIVE_INFINITY), forMs: 8_000 },
    ],
    haproxy: { maxconn: 6 },
  },
  {
    name: 'fan-out',
    title: { name: 'Unbounded fan-out', load: '32 calls for 256 KiB each, 128 at once, 256 in all' },
    sends: [wave('fan-out', FAN_OUT.calls * FAN_OUT.bytes, 128, 256)],
    haproxy: { maxconn: 12 },
  },
]

/** For a look, and for a test: little, and just enough to pass the limit. */
export const briefRows: readonly Row[] = [
  {
    name: 'uploads',
    title: { name: 'Uploads, in brief', load: '16 MiB each, 48 at once and in all' },
    sends: [wave('upload', 16 * MiB, 48, 48)],
    haproxy: { maxconn: 6 },
  },
]

/** @throws where there is none of this name */
export function rowNamed(name: string, brief = false): Row {
  const row = (brief ? briefRows : rows).find(known => known.name === name)
  if (!row) throw new TypeError(`there is no row ${name}`)
  return row
}

function wave(kind: RequestKind, bytes: number, concurrency: number, requests: number): Sends {
  return { kind, requests, concurrency, bytes, objects: OBJECTS }
}

/** A flood of bench/flood, with fewer objects. */
function likeFlood(name: string) {
  const scenario = scenarios.find(known => known.name === name)
  if (scenario === undefined) throw new TypeError(`there is no flood ${name}`)
  const { title, uploads, downloads } = scenario
  const sends: Sends[] = []
  if (uploads) sends.push({ ...uploads, kind: 'upload', objects: OBJECTS })
  if (downloads) sends.push({ ...downloads, kind: 'download', objects: 1 })
  return { name, title, sends }
}
