import { isDeepStrictEqual } from 'node:util'
import type { Answer } from './answers.ts'
import type { Exception, Pair } from './by-contract.ts'
import type { Outcome } from './outcome.ts'

export interface Comparison {
  readonly equal: boolean
  /** What differed by contract. */
  readonly exceptions: readonly Exception[]
  /** What was compared at last. */
  readonly pair: Pair
}

/** Whether a session came to the same on both servers, but for what may differ by contract. */
export function compared(pair: Pair, byContract: readonly Exception[]): Comparison {
  const exceptions: Exception[] = []
  let left = evenlyCut(pair)
  for (const exception of byContract) {
    if (isDeepStrictEqual(left.ungoverned, left.governed)) break
    const next = exception.except(left)
    if (!isDeepStrictEqual(next, left)) exceptions.push(exception)
    left = next
  }
  return { equal: isDeepStrictEqual(left.ungoverned, left.governed), exceptions, pair: left }
}

/** Cuts answers that were cut to the length of the shorter one: how much came is chance. */
function evenlyCut({ session, ungoverned, governed }: Pair): Pair {
  return { session, ungoverned: cutAs(ungoverned, governed), governed: cutAs(governed, ungoverned) }
}

function cutAs(outcome: Outcome, other: Outcome): Outcome {
  const answers = outcome.answers.map((answer, place) => {
    const twin = other.answers[place]
    if (twin === undefined || !isCut(answer, outcome) || !isCut(twin, other)) return answer
    const { body } = answer
    return { ...answer, body: body.slice(0, Math.min(body.length, twin.body.length)) }
  })
  return { ...outcome, answers }
}

/** Of what goes on until the connection ends, only its handler can tell. */
function isCut({ whole, endless }: Answer, { pages }: Outcome): boolean {
  return !whole || (endless && Object.values(pages).some(page => !page.includes('response finish')))
}

/** The lines that differ, for the reader of a counterexample. */
export function said({ session, ungoverned, governed }: Pair): string {
  const [one, other] = [lines(ungoverned), lines(governed)]
  return [
    ...session.says,
    ...one.filter(line => !other.includes(line)).map(line => `ungoverned: ${line}`),
    ...other.filter(line => !one.includes(line)).map(line => `governed: ${line}`),
  ].join('\n')
}

function lines({ answers, end, pages }: Outcome): string[] {
  return [
    ...answers.flatMap(({ head, body, whole }, place) => [
      ...head.map(line => `${place} ${line}`),
      `${place} ${whole ? 'whole' : 'cut'}, ${body.length} bytes ${JSON.stringify(body.slice(0, 300))}`,
    ]),
    end,
    ...Object.entries(pages).map(([name, page]) => `${name}: ${page.join(', ')}`),
  ]
}
