import { type FloodResult, passedLimit, survived } from './flood-result.ts'
import { answered, ending } from './wording.ts'

export interface Verdict {
  readonly lines: readonly string[]
  /** The governed server answered everybody and lived. What became of the other is no failure. */
  readonly passed: boolean
}

export function verdictOf(results: readonly FloodResult[]): Verdict {
  const governed = results.filter(result => result.server === 'governed')
  const ungoverned = results.filter(result => result.server === 'ungoverned')
  const failures = governed.filter(result => !survived(result))
  const spared = ungoverned.filter(result => result.ending.kind !== 'killed for memory')
  const lines: string[] = []

  if (governed.length > 0 && failures.length === 0) {
    lines.push(`With Plimsoll: ${counted(governed)} requests answered, and the server lives.`)
  }
  for (const result of failures) {
    lines.push(
      `FAILED: ${result.scenario} with Plimsoll: ${answered(result)} answered, ${ending(result)} (${statuses(result)}).`,
    )
  }
  if (ungoverned.length > spared.length) {
    const killed = ungoverned.length - spared.length
    lines.push(
      `Without: ${counted(ungoverned)} answered, and the server killed in ${killed} of ${ungoverned.length} floods.`,
    )
  }
  for (const result of spared) {
    const odd = passedLimit(result) ? 'Sockets counted apart:' : 'Odd:'
    lines.push(
      `${odd} ${result.scenario} without Plimsoll was not killed for memory: ${answered(result)} answered, ${ending(result)}.`,
    )
  }
  return { lines, passed: failures.length === 0 }
}

function counted(results: readonly FloodResult[]): string {
  const sum = (count: (result: FloodResult) => number) =>
    results.reduce((total, result) => total + count(result), 0)
  return `${sum(result => result.answered)} of ${sum(result => result.requests)}`
}

function statuses({ byStatus }: FloodResult): string {
  return Object.entries(byStatus)
    .map(([status, count]) => `${count} × ${status}`)
    .join(', ')
}
