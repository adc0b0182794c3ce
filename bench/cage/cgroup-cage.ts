import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Cage, MemoryReading } from './cage.ts'
import { type CgroupHierarchy, findMemoryHierarchy } from './cgroup-hierarchy.ts'
import { cgroupV1 } from './cgroup-v1.ts'
import { cgroupV2 } from './cgroup-v2.ts'

/** What differs between the two versions of the kernel's interface. */
export interface CgroupVersion {
  readonly kind: 'cgroup v1' | 'cgroup v2'
  /** Directories in which a cage may be made, best first. */
  parents(hierarchy: CgroupHierarchy): string[]
  /** Lets children of `parent` be limited. @returns what takes that back, where it had to be done */
  enable(parent: string): (() => void) | undefined
  limit(directory: string, limitBytes: number): void
  read(directory: string): MemoryReading
  /** The kernel's own count of processes that it killed for memory. */
  kills(directory: string): number
}

let made = 0

export class CgroupCage implements Cage {
  readonly standsInBecause = undefined
  readonly kind: CgroupVersion['kind']
  readonly limitBytes: number
  readonly #version: CgroupVersion
  readonly #directory: string
  readonly #disable: (() => void) | undefined

  private constructor(
    version: CgroupVersion,
    directory: string,
    limitBytes: number,
    disable: (() => void) | undefined,
  ) {
    this.kind = version.kind
    this.limitBytes = limitBytes
    this.#version = version
    this.#directory = directory
    this.#disable = disable
  }

  static make(limitBytes: number): CgroupCage | { reason: string } {
    const hierarchy = findMemoryHierarchy(
      readFileSync('/proc/self/cgroup', 'utf8'),
      readFileSync('/proc/self/mountinfo', 'utf8'),
    )
    if (hierarchy === undefined) return { reason: 'no cgroup hierarchy is mounted' }
    const version = hierarchy.version === 1 ? cgroupV1 : cgroupV2
    const reasons: string[] = []
    for (const parent of version.parents(hierarchy)) {
      try {
        return CgroupCage.makeIn(parent, version, limitBytes)
      } catch (error) {
        reasons.push((error as Error).message)
      }
    }
    return { reason: `no right to make a ${version.kind} memory cgroup (${reasons.join('; ')})` }
  }

  private static makeIn(parent: string, version: CgroupVersion, limitBytes: number): CgroupCage {
    const disable = version.enable(parent)
    const directory = join(parent, `plimsoll-bench-${process.pid}-${++made}`)
    const cage = new CgroupCage(version, directory, limitBytes, disable)
    try {
      mkdirSync(directory)
      version.limit(directory, limitBytes)
      // To make a cgroup and to move a process into it are different rights.
      const [file = '', ...args] = cage.enclose(['true'])
      const probe = spawnSync(file, args, { encoding: 'utf8' })
      if (probe.status !== 0) throw new Error(`no process can enter ${directory}: ${probe.stderr.trim()}`)
    } catch (error) {
      cage.remove()
      throw error
    }
    return cage
  }

  enclose(command: readonly string[]): string[] {
    // The shell moves itself in and becomes the command; if it can't, nothing runs outside the cage.
    const enter = 'echo $$ > "$0" && exec "$@"'
    return ['sh', '-c', enter, join(this.#directory, 'cgroup.procs'), ...command]
  }

  watch(): void {}

  read(): MemoryReading {
    return this.#version.read(this.#directory)
  }

  kills(): number {
    return this.#version.kills(this.#directory)
  }

  remove(): void {
    for (let attempt = 0; attempt < 100; attempt++) {
      try {
        for (const pid of this.#inmates()) kill(pid)
        rmdirSync(this.#directory)
        break
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') break
        // EBUSY: the kernel has not yet buried the last process.
        pause(20)
      }
    }
    try {
      this.#disable?.()
    } catch {
      // Another cage beside this one may need the controller still.
    }
  }

  #inmates(): number[] {
    const pids = readFileSync(join(this.#directory, 'cgroup.procs'), 'utf8')
    return pids.split('\n').filter(Boolean).map(Number)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It was gone first.
  }
}

/** Sleeps without an event loop, for there is none any more when a process is on its way out. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
