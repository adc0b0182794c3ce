import { openSync, readSync } from 'node:fs'

/** The longest of these files is below 3 KiB; what more a kernel may tell one day is not asked for. */
const buffer = Buffer.alloc(8192, '\n')

/**
 * A file of the kernel's, opened once: it is made anew by each read from its start.
 *
 * @internal
 */
export class KernelFile {
  readonly #descriptor: number | undefined

  constructor(path: string) {
    this.#descriptor = open(path)
  }

  /** A line feed and its text now, so that every line follows one; empty where there is no such file, or no more. */
  read(): string {
    if (this.#descriptor === undefined) return ''
    try {
      return buffer.toString('latin1', 0, 1 + readSync(this.#descriptor, buffer, 1, buffer.length - 1, 0))
    } catch {
      // ENODEV: the cgroup was removed, and this process moved out of it. ESRCH: that process has ended.
      return ''
    }
  }
}

function open(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch {
    // Another kernel has no such file.
    return undefined
  }
}
