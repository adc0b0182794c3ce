import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { mebibytes } from './byte-size.ts'

/** The memory that a process may use, and who says so. */
export interface MemoryLimit {
  /** The machine's where there is no limit. */
  readonly bytes: number
  /** `'machine'` where no cgroup has a limit. */
  readonly source: 'cgroup v2' | 'cgroup v1' | 'machine'
}

/**
 * The memory this process may use: the least limit of its cgroup and all cgroups above it, or the
 * machine's memory. `process.constrainedMemory()` reads the innermost cgroup only, so a limit on a
 * pod or a slice around it stays unseen.
 *
 * @param root where `/proc` and `/sys` are found, for tests
 */
export function memoryLimit(root = '/'): MemoryLimit {
  const { bytes, source } = limitingCgroup(root)
  return { bytes, source }
}

/** The limit of this process, and whose it is. */
export interface LimitingCgroup extends MemoryLimit {
  /** Of the cgroup that has the limit; undefined where that is the machine. */
  readonly folder: string | undefined
}

/** @param root where `/proc` and `/sys` are found, for tests */
export function limitingCgroup(root = '/'): LimitingCgroup {
  const machine = totalmem()
  for (const [source, { bytes, folder }] of [
    ['cgroup v2', limitOfV2(root)],
    ['cgroup v1', limitOfV1(root)],
  ] as const) {
    // Without a limit v1 says 2^63 or so, and a limit above the machine is none.
    if (bytes < machine) return { bytes, source, folder }
  }
  return { bytes: machine, source: 'machine', folder: undefined }
}

const V2 = 'sys/fs/cgroup'
const V1 = 'sys/fs/cgroup/memory'

interface Limit {
  readonly bytes: number
  readonly folder: string | undefined
}

const UNLIMITED: Limit = { bytes: Number.POSITIVE_INFINITY, folder: undefined }

function limitOfV2(root: string): Limit {
  let limit = UNLIMITED
  for (const folder of foldersUp(join(root, V2), ownPath(root, /^0::(.*)$/m))) {
    // "max" is no number, and the root has no such file.
    const bytes = Number.parseInt(text(join(folder, 'memory.max')), 10)
    if (bytes < limit.bytes) limit = { bytes, folder }
  }
  return limit
}

function limitOfV1(root: string): Limit {
  const folders = foldersUp(join(root, V1), ownPath(root, /^\d+:(?:.*,)?memory(?:,.*)?:(.*)$/m))
  for (const folder of folders) {
    // Covers the cgroups above too; the first folder that is there is the innermost we can see.
    const match = /^hierarchical_memory_limit (\d+)$/m.exec(text(join(folder, 'memory.stat')))
    if (match === null) continue
    const bytes = Number(match[1])
    const isItsOwn = (each: string): boolean =>
      Number.parseInt(text(join(each, 'memory.limit_in_bytes')), 10) === bytes
    return { bytes, folder: folders.find(isItsOwn) ?? folder }
  }
  return UNLIMITED
}

/** The folder of the cgroup and all above it. In a container the mount is often the cgroup itself. */
function foldersUp(mount: string, path: string): string[] {
  const folders = [mount]
  for (let at = path; at !== '/' && at !== '.'; at = dirname(at)) folders.splice(-1, 0, join(mount, at))
  return folders
}

function ownPath(root: string, line: RegExp): string {
  return line.exec(text(join(root, 'proc/self/cgroup')))?.[1] ?? '/'
}

/**
 * The text of a file, or none.
 *
 * @internal
 */
export function text(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Not there: no such cgroup, or no Linux.
    return ''
  }
}

/**
 * What V8 lets float: freed buffers it has not collected yet. A constant, whatever the budget.
 *
 * @internal
 */
export const FLOATING_BYTES = 64 * 2 ** 20

/** A budget of 'auto', and how it came about. */
export interface ChosenBudget {
  /** Of the budget. */
  readonly bytes: number
  /** What it has to fit in. */
  readonly limit: MemoryLimit
  /** Bytes that the process takes without any request. */
  readonly residentBytes: number
  /** What the limit leaves beside the process and the 64 MiB that V8 lets float: what one request may cost alone. */
  readonly roomBytes: number
  /** In words. */
  readonly because: string
}

/**
 * The budget of `'auto'`: half of what the limit leaves after the process as it stands and the
 * 64 MiB that V8 lets float, since a body is often held twice (chunks and their concatenation). Never
 * less than a sixteenth of the limit, so that a small container still serves.
 *
 * @param residentBytes of the process as it stands, default: of this one
 * @param floatingBytes what V8 lets float, default: 64 MiB
 */
export function chooseBudget(
  limit: MemoryLimit = memoryLimit(),
  residentBytes: number = process.memoryUsage.rss(),
  floatingBytes: number = FLOATING_BYTES,
): ChosenBudget {
  const roomBytes = limit.bytes - residentBytes - floatingBytes
  const half = Math.floor(roomBytes / 2)
  const least = Math.floor(limit.bytes / 16)
  const bytes = Math.max(half, least)
  const floats = `the ${mebibytes(residentBytes)} in use and ${mebibytes(floatingBytes)} that the garbage collector lets float`
  const of = `the limit of ${mebibytes(limit.bytes)} (${limit.source})`
  const because =
    half < least
      ? `a sixteenth of ${of}, which leaves little beside ${floats}`
      : `half of what ${of} leaves beside ${floats}`
  return { bytes, limit, residentBytes, roomBytes: Math.max(roomBytes, bytes), because }
}

/** The least limit in bytes beside which {@link chooseBudget} would choose `budget`, for a process of `residentBytes`. */
export function limitFor(budget: number, residentBytes: number): number {
  return residentBytes + FLOATING_BYTES + 2 * budget
}
