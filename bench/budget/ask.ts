import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTheWayOut } from '../on-the-way-out.ts'
import type { RoundReport } from './measure.ts'
import type { Question } from './questions.ts'

export interface Answer {
  readonly rounds: readonly RoundReport[]
  /** The length at which it was stopped, since a round took longer than it may. */
  readonly stoppedAt: number | undefined
}

/** One question to one contender in a fresh process, which is killed where a round of it takes too long. */
export function ask(
  contender: string,
  question: Question,
  lengths: readonly number[],
  { seconds, limitSeconds }: { seconds: number; limitSeconds: number },
): Promise<Answer> {
  const child = fork(
    fileURLToPath(new URL('./measure.ts', import.meta.url)),
    [contender, question, String(seconds), ...lengths.map(String)],
    { execArgv: ['--import', import.meta.resolve('tsx'), '--max-old-space-size=4096'] },
  )
  const end = onTheWayOut(() => child.kill('SIGKILL'))
  return new Promise((resolve, reject) => {
    const rounds: RoundReport[] = []
    let tooLong = false
    const stop = (): void => {
      tooLong = true
      end()
    }
    let timer = setTimeout(stop, limitSeconds * 1_000)
    child.on('message', message => {
      if (message !== 'warm') rounds.push(message as RoundReport)
      clearTimeout(timer)
      timer = setTimeout(stop, limitSeconds * 1_000)
    })
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      end()
      if (!tooLong && code !== 0) {
        reject(new Error(`${contender} ended with ${signal ?? code}, asked for ${question}`))
        return
      }
      resolve({ rounds, stoppedAt: tooLong ? lengthAt(rounds, lengths) : undefined })
    })
  })
}

/** A length that one round was told of counts as measured. */
function lengthAt(rounds: readonly RoundReport[], lengths: readonly number[]): number | undefined {
  const last = rounds.at(-1)
  return last === undefined ? lengths[0] : lengths[lengths.indexOf(last.length) + 1]
}
