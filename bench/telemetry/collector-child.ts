import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { CollectorMode } from '../../examples/telemetry/src/collector.ts'

export interface CollectorState {
  readonly spans: number
  /** When it took the first span since it was last told what to do. */
  readonly firstAt?: number
}

/** The other side of a collector's process. */
export class CollectorChild {
  readonly url: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, url: string) {
    this.#child = child
    this.url = url
  }

  static async start(): Promise<CollectorChild> {
    const module = fileURLToPath(new URL('./collector-process.ts', import.meta.url))
    const child = fork(module, { execArgv: ['--import', import.meta.resolve('tsx')] })
    const [{ url }] = (await once(child, 'message')) as [{ url: string }]
    return new CollectorChild(child, url)
  }

  async ask(what: CollectorMode | 'state'): Promise<CollectorState> {
    const answer = once(this.#child, 'message')
    this.#child.send(what)
    const [state] = (await answer) as [CollectorState]
    return state
  }

  kill(): void {
    this.#child.kill()
  }
}
