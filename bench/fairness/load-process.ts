import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Command, LoadReport, Report } from './load/protocol.ts'

/** The process that all clients live in, seen from the bench. */
export class LoadProcess {
  readonly #process: ChildProcess

  constructor() {
    this.#process = fork(fileURLToPath(new URL('./load/process.ts', import.meta.url)), {
      execArgv: ['--import', import.meta.resolve('tsx')],
    })
  }

  play(port: number, scenario: string, onProgress: (answered: number) => void): Promise<LoadReport> {
    return new Promise((resolve, reject) => {
      this.#process.on('exit', () => reject(new Error('the load process has died')))
      this.#process.on('message', (report: Report) => {
        if (report.type === 'progress') onProgress(report.answered)
        else if (report.type === 'played') resolve(report.report)
        else reject(new Error(report.reason))
      })
      this.#process.send({ type: 'play', port, scenario } satisfies Command)
    })
  }

  /** Ends a scenario that runs: it reports as far as it came. */
  stop(): void {
    if (this.#process.connected) this.#process.send({ type: 'stop' } satisfies Command)
  }

  close(): void {
    this.#process.kill('SIGKILL')
  }
}
