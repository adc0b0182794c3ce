import { CgroupCage } from './cgroup-cage.ts'
import { type MemoryReading, totalBytes } from './memory-reading.ts'
import { SupervisorCage } from './supervisor.ts'

export { type MemoryReading, totalBytes }

/** A limit on memory with one process in it, that ends with SIGKILL whoever passes it. */
export interface Cage {
  readonly kind: 'cgroup v1' | 'cgroup v2' | 'supervisor'
  readonly limitBytes: number
  /** Why the kernel does not hold the limit; undefined where it does. */
  readonly standsInBecause: string | undefined
  /** The command that runs `command` inside the cage from its first instruction. */
  enclose(command: readonly string[]): string[]
  /** Tells the cage its inmate, once it runs. */
  watch(pid: number): void
  /** Undefined once there is nothing left to read. */
  read(): MemoryReading | undefined
  /** Kills for memory that are proven: by the kernel's counter, or because the supervisor did it. */
  kills(): number
  /** Kills what is left inside and removes the cage. Synchronous, so that it also works on the way out. */
  remove(): void
}

/** What of a cage is worth telling beside a figure that was measured in it. */
export interface CageFigures {
  readonly kind: string
  readonly limitBytes: number
  /** Left out where the kernel holds the limit. */
  readonly standsInBecause?: string
}

export function cageFigures({ kind, limitBytes, standsInBecause }: Cage): CageFigures {
  return { kind, limitBytes, ...(standsInBecause === undefined ? {} : { standsInBecause }) }
}

/**
 * What an option `--cage` asks for.
 *
 * @throws where it is neither auto nor supervisor
 */
export function forcedCage(cage: string): { readonly forceCage?: 'supervisor' } {
  if (cage === 'auto') return {}
  if (cage === 'supervisor') return { forceCage: cage }
  throw new TypeError(`--cage is auto or supervisor, not ${cage}`)
}

/** @param force 'supervisor' passes the kernel by, to test the stand-in. */
export function openCage(limitBytes: number, force?: 'supervisor'): Cage {
  if (force === 'supervisor') return new SupervisorCage(limitBytes, '--cage supervisor asked for it')
  if (process.platform !== 'linux') {
    return new SupervisorCage(limitBytes, `${process.platform} has no memory cgroups`)
  }
  const made = CgroupCage.make(limitBytes)
  return made instanceof CgroupCage ? made : new SupervisorCage(limitBytes, made.reason)
}
