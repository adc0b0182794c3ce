import { thisMachine } from '../machine.ts'
import { type Answer, ask } from './ask.ts'
import { type BudgetRun, type Cell, cellsOf, type Stop } from './budget-result.ts'
import type { Contender } from './contender.ts'
import { isAskedOf, type Question, questions } from './questions.ts'

export interface Asking {
  readonly contenders: readonly Contender[]
  readonly questions: readonly Question[]
  /** Longer queues are left out. */
  readonly most: number
  readonly processes: number
  /** Of rounds at each length. */
  readonly seconds: number
  /** Of one round at most. */
  readonly limitSeconds: number
  readonly onProgress?: (line: string) => void
}

/** All questions to all contenders, in turns: whatever else the machine does falls on all of them. */
export async function askAll(asking: Asking): Promise<BudgetRun> {
  const cells: Cell[] = []
  const stopped: Stop[] = []
  for (const question of asking.questions) {
    const asked = asking.contenders.filter(contender => isAskedOf(question, contender))
    const inTurns = asked.map(({ name }) => ({
      name,
      lengths: lengthsOf(question, asking),
      answers: [] as Answer[],
    }))
    for (let process = 1; process <= asking.processes; process++) {
      for (const contender of inTurns) {
        if (contender.lengths.length === 0) continue
        asking.onProgress?.(`${question}, ${contender.name}, process ${process} of ${asking.processes}`)
        const answer = await ask(contender.name, question, contender.lengths, asking)
        contender.answers.push(answer)
        const { stoppedAt } = answer
        if (stoppedAt === undefined) continue
        stopped.push({ contender: contender.name, question, waiters: stoppedAt })
        contender.lengths = contender.lengths.filter(length => length < stoppedAt)
      }
    }
    for (const { name, answers } of inTurns) cells.push(...cellsOf(name, answers))
  }
  const { processes, limitSeconds } = asking
  return {
    measuredAt: new Date().toISOString(),
    machine: thisMachine(),
    processes,
    limitSeconds,
    cells,
    stopped,
  }
}

function lengthsOf(question: Question, { most }: Asking): readonly number[] {
  return questions[question].lengths.filter(length => length <= most)
}
