import type { Contender } from './contender.ts'

/** What is asked of each contender, in a process of its own. */
export const questions = {
  free: { title: 'with room', lengths: [0] },
  waiting: { title: 'one size', lengths: [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000] },
  // A million signals take too much memory and time to make.
  cancel: { title: 'a waiter leaves', lengths: [1, 10, 100, 1_000, 10_000, 100_000] },
  mixed: { title: '1 KiB to 16 MiB', lengths: [100, 1_000, 10_000, 100_000, 1_000_000] },
} as const

export type Question = keyof typeof questions

export const questionNames = Object.keys(questions) as Question[]

export function isAskedOf(question: Question, { cancels, weighs }: Contender): boolean {
  if (question === 'cancel') return cancels
  return question === 'mixed' ? weighs : true
}

/** What is told of a question: nanoseconds of one operation each. */
export const figures = {
  pair: 'tryAcquire + release',
  awaited: 'await acquire, release',
  join: 'to join',
  grant: 'a grant, from one release to the next',
  cancel: 'to leave',
  mixed: 'a grant, mixed sizes',
} as const

export type Figure = keyof typeof figures
