import { readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'

/** The state of a governor and its process at one moment. Sizes are in bytes. */
export interface FlightSample {
  /** When, in milliseconds since 1970. */
  readonly at: number
  /** What could be reserved at once. */
  readonly capacity: number
  /** What newcomers could fill of it: less than the capacity where the valve was shut. */
  readonly ceiling: number
  /** What was reserved. */
  readonly reserved: number
  /** What slow clients had been promised and did not send, lent to others. */
  readonly lent: number
  /** Requests that waited. */
  readonly waiting: number
  /** Requests admitted and not released. */
  readonly active: number
  /** Requests admitted since the start. */
  readonly admitted: number
  /** Requests of those that were over. */
  readonly released: number
  /** Requests refused since the start, for whatever reason. */
  readonly refused: number
  /** What was resident of the process. */
  readonly residentBytes: number
  /** What was in use of V8's heap. */
  readonly heapUsedBytes: number
  /** What was held outside of it: Buffers, mostly. */
  readonly externalBytes: number
  /** What the container could not give back. */
  readonly usedBytes: number
  /** The container's limit; the machine's memory where there is none. */
  readonly limitBytes: number
}

/** Samples that a file keeps. */
export const SLOTS = 60

/**
 * Bytes of each. It divides a page, so that a write is in one page of the page cache whole, which is what a SIGKILL
 * leaves whole; and all figures fit in it, however large.
 */
export const SLOT_BYTES = 512

const MARK = 'PLIMSOLL1'

/** `PLIMSOLL1`, the CRC-32 of what follows in hex, JSON padded with blanks, a line feed: readable without a reader. */
const SLOT = /^PLIMSOLL1 ([\da-f]{8}) (\{.*\} *)\n$/

/** @param sequence counts the samples of a run, and tells which is the newest */
export function encodeSlot(sample: FlightSample, sequence: number): Buffer {
  const json = JSON.stringify({ sequence, ...sample }).padEnd(SLOT_BYTES - MARK.length - 11)
  return Buffer.from(`${MARK} ${checksum(json)} ${json}\n`, 'latin1')
}

interface Numbered extends FlightSample {
  readonly sequence: number
}

/** Undefined where it was never written, or not to its end. */
function decodeSlot(slot: string): Numbered | undefined {
  const [, sum, json = ''] = SLOT.exec(slot) ?? []
  return sum !== undefined && sum === checksum(json) ? JSON.parse(json) : undefined
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}

/**
 * Reads the file of a governor's `recorder`, oldest sample first: of a process that runs, or of one that was killed. What was
 * torn by a crash of the machine is left out. No samples where there are none, also where it is some other file.
 *
 * @throws what `readFileSync` throws, where there is no such file
 */
export function readFlight(file: string): FlightSample[] {
  const text = readFileSync(file, 'latin1')
  const samples: Numbered[] = []
  for (let at = 0; at < Math.min(text.length, SLOTS * SLOT_BYTES); at += SLOT_BYTES) {
    const sample = decodeSlot(text.slice(at, at + SLOT_BYTES))
    if (sample !== undefined) samples.push(sample)
  }
  samples.sort((one, other) => one.sequence - other.sequence)
  return samples.map(({ sequence, ...sample }) => sample)
}
