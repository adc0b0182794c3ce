import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Cage, MemoryReading } from './cage.ts'

/** A process costs microseconds to read under /proc, and some milliseconds where `ps` must be started. */
const CHECK_EVERY_MS = process.platform === 'linux' ? 20 : 200

/**
 * Stands in where the kernel holds no limit for us: it looks at the resident set over and over and
 * kills. Weaker than a cgroup on two counts, which whoever shows its figures has to say: what
 * grows between two looks passes unseen, and kernel and socket memory are not in a resident set.
 */
export class SupervisorCage implements Cage {
  readonly kind = 'supervisor'
  readonly limitBytes: number
  readonly standsInBecause: string
  #pid: number | undefined
  #timer: NodeJS.Timeout | undefined
  #last: MemoryReading | undefined
  #kills = 0

  constructor(limitBytes: number, standsInBecause: string) {
    this.limitBytes = limitBytes
    this.standsInBecause = standsInBecause
  }

  enclose(command: readonly string[]): string[] {
    return [...command]
  }

  watch(pid: number): void {
    this.#pid = pid
    this.#timer = setInterval(() => this.#check(pid), CHECK_EVERY_MS)
  }

  read(): MemoryReading | undefined {
    return this.#last
  }

  kills(): number {
    return this.#kills
  }

  remove(): void {
    clearInterval(this.#timer)
    if (this.#pid !== undefined && residentBytes(this.#pid) !== undefined) process.kill(this.#pid, 'SIGKILL')
    this.#pid = undefined
  }

  #check(pid: number): void {
    const anonBytes = residentBytes(pid)
    if (anonBytes === undefined) {
      clearInterval(this.#timer)
      this.#pid = undefined
      return
    }
    this.#last = { anonBytes, kernelBytes: 0, socketBytes: 0 }
    if (anonBytes > this.limitBytes) {
      clearInterval(this.#timer)
      process.kill(pid, 'SIGKILL')
      this.#kills++
    }
  }
}

/** Undefined when the process is no more. */
function residentBytes(pid: number): number | undefined {
  try {
    if (process.platform !== 'linux') {
      return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) * 1024
    }
    return parseResidentBytes(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return undefined
  }
}

/** @param status `/proc/PID/status`, which has no VmRSS once the process is a zombie */
export function parseResidentBytes(status: string): number | undefined {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(status)
  return match?.[1] === undefined ? undefined : Number(match[1]) * 1024
}
