import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Command, Report } from './play-orders.ts'

/** A process that plays loads by order, seen from the bench: a client's memory is not the server's. */
export class LoadProcess<Order, Played> {
  readonly #process: ChildProcess

  /** @param module it hands what it plays to `playOrders` */
  constructor(module: URL) {
    this.#process = fork(fileURLToPath(module), { execArgv: ['--import', import.meta.resolve('tsx')] })
  }

  play(order: Order, onProgress: (answered: number) => void = () => {}): Promise<Played> {
    return new Promise((resolve, reject) => {
      this.#process.on('exit', () => reject(new Error('the load process has died')))
      this.#process.on('message', (report: Report<Played>) => {
        if (report.type === 'progress') onProgress(report.answered)
        else if (report.type === 'played') resolve(report.report)
        else reject(new Error(report.reason))
      })
      this.#process.send({ type: 'play', order } satisfies Command<Order>)
    })
  }

  /** Ends a load that runs: it reports as far as it came. */
  stop(): void {
    // It may be gone before it is told.
    if (this.#process.connected) this.#process.send({ type: 'stop' } satisfies Command<Order>, () => {})
  }

  close(): void {
    this.#process.kill('SIGKILL')
  }
}
