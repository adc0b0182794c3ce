import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Command, FloodReport, Report, Target } from './load/protocol.ts'

/** The process that sends the load, seen from the bench. */
export class LoadGenerator {
  readonly #process: ChildProcess
  onProgress: (answered: number) => void = () => {}

  constructor() {
    this.#process = fork(fileURLToPath(new URL('./load/process.ts', import.meta.url)), {
      execArgv: ['--import', import.meta.resolve('tsx')],
    })
  }

  /** A few small requests, so that what is measured as idle is a server that has served. */
  async warm(target: Target): Promise<void> {
    await this.#ask({ type: 'warm', target })
  }

  async store(): Promise<void> {
    await this.#ask({ type: 'store' })
  }

  async flood(): Promise<FloodReport> {
    const report = await this.#ask({ type: 'flood' })
    if (report.type !== 'flooded') throw new Error('the load generator lost its way')
    return report.flood
  }

  /** Ends a flood that runs: it reports as far as it came. */
  stop(): void {
    if (this.#process.connected) this.#process.send({ type: 'stop' } satisfies Command)
  }

  async verify(): Promise<void> {
    await this.#ask({ type: 'verify' })
  }

  close(): void {
    this.#process.kill('SIGKILL')
  }

  #ask(command: Command): Promise<Report> {
    return new Promise((resolve, reject) => {
      const hear = (report: Report) => {
        if (report.type === 'progress') return this.onProgress(report.answered)
        this.#process.off('message', hear).off('exit', lost)
        if (report.type === 'failed') reject(new Error(report.reason))
        else resolve(report)
      }
      const lost = () => reject(new Error('the load generator has died'))
      this.#process.on('message', hear).on('exit', lost)
      this.#process.send(command)
    })
  }
}
