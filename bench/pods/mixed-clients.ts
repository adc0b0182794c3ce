import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Command, Ended, MixedLoad, Report } from './load/protocol.ts'

/** What became of a load. */
export interface Served {
  readonly seconds: number
  readonly ended: readonly Ended[]
}

/** The process of all clients, seen from the bench. */
export class MixedClients {
  readonly #process: ChildProcess
  /** How many have been answered. */
  answered = 0

  constructor() {
    this.#process = fork(fileURLToPath(new URL('./load/process.ts', import.meta.url)), {
      execArgv: ['--import', import.meta.resolve('tsx')],
    })
  }

  run(load: MixedLoad): Promise<Served> {
    return new Promise((resolve, reject) => {
      this.#process.on('message', (report: Report) => {
        if (report.type === 'progress') this.answered = report.answered
        else if (report.type === 'failed') reject(new Error(report.reason))
        else resolve(report)
      })
      this.#process.on('exit', () => reject(new Error('the clients have died')))
      this.#process.send({ type: 'run', load } satisfies Command)
    })
  }

  /** Each ends what it has begun. */
  stop(): void {
    this.#process.send({ type: 'stop' } satisfies Command)
  }

  close(): void {
    this.#process.removeAllListeners('exit').kill('SIGKILL')
  }
}
