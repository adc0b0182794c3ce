import cluster from 'node:cluster'
import { readlinkSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { KernelFile } from './kernel-file.ts'

/**
 * How many workers the primary of this one has. It counts them itself, so the primary needs no code of ours: PM2's daemon is
 * one. What else a primary has started counts, too, since it takes memory as they do.
 */
export class Workers {
  /** As many as there are or are to be expected, when this one starts. */
  readonly first: number
  /** Of all of them, and of no others on this machine; undefined where there is no Linux. */
  readonly name: string | undefined
  readonly #children: KernelFile
  #last: number

  /**
   * @param primary its process
   * @param root where `/proc` is found, for tests
   */
  constructor(primary = process.ppid, root = '/', env = process.env) {
    // By the primary's main thread, as all that node:cluster forks.
    this.#children = new KernelFile(join(root, `proc/${primary}/task/${primary}/children`))
    // PM2 starts them one after the other, and says how many.
    const announced = env.pm_id === undefined ? 0 : Number(env.instances) || 0
    // Who can't be counted may be as many as are of use.
    const counted = this.#counted() ?? (announced || availableParallelism())
    this.name = nameOf(primary, root)
    this.first = this.#last = Math.max(counted, announced)
  }

  /** As many as there are now; as there were last where nobody tells, or the primary has ended. */
  count(): number {
    this.#last = this.#counted() ?? this.#last
    return this.#last
  }

  #counted(): number | undefined {
    return this.#children.read().match(/\d+/g)?.length
  }
}

/** Numbers of processes are unique within their namespace: containers may share a network, but have a namespace each. */
function nameOf(primary: number, root: string): string | undefined {
  try {
    return `plimsoll-${readlinkSync(join(root, 'proc/self/ns/pid'))}-${primary}`
  } catch {
    return undefined
  }
}

let shared: Workers | undefined

/** Of this process, where it is a worker of node:cluster. */
export function workers(): Workers | undefined {
  if (cluster.isWorker) shared ??= new Workers()
  return shared
}
