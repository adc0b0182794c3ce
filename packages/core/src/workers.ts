import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { KernelFile } from './kernel-file.ts'

/**
 * How many workers one primary of node:cluster has. A worker counts them by itself, so that the primary needs no code of
 * ours: PM2's daemon is one. What else a primary has started counts, too: it takes memory as they do.
 */
export class Workers {
  readonly #children: KernelFile
  #last: number

  /**
   * @param primary its process
   * @param root where `/proc` is found, for tests
   */
  constructor(primary = process.ppid, root = '/', env = process.env) {
    // Forked on the primary's main thread, as all that node:cluster forks.
    this.#children = new KernelFile(join(root, `proc/${primary}/task/${primary}/children`))
    const counted = this.#counted()
    const announced = env.pm_id === undefined ? 0 : Number(env.instances) || 0
    // PM2 starts them one after the other. Where nobody can be counted, there may be as many as are of use.
    this.#last = Math.max(counted ?? (announced || availableParallelism()), announced)
    this.first = this.#last
  }

  /** As many as are to be expected when this one starts. */
  readonly first: number

  /** As many as there are now; as there were last where that can't be told, or the primary has ended. */
  count(): number {
    this.#last = this.#counted() ?? this.#last
    return this.#last
  }

  #counted(): number | undefined {
    return this.#children.read().match(/\d+/g)?.length
  }
}
