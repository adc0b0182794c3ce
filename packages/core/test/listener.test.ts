import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'

interface Outcome {
  /** What the process heard. */
  readonly events: string[]
  /** What the client heard. */
  readonly answer: string
}

const fixture = fileURLToPath(new URL('./fixtures/throwing-server.ts', import.meta.url))
const child = spawn(process.execPath, [...process.execArgv, fixture], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const outcomes: Record<string, Outcome> = JSON.parse(await text(child.stdout))

for (const [how, event] of Object.entries({
  throws: 'uncaughtException: on purpose',
  rejects: 'unhandledRejection: on purpose',
  'throws later': 'unhandledRejection: on purpose',
  'throws no error': 'uncaughtException: undefined',
  'throws an error that looks like ours': 'uncaughtException: on purpose',
})) {
  t.test(`a handler that ${how} is heard of as without a governor`, async t => {
    const ungoverned = outcomes[`${how}, ungoverned`]
    t.same(ungoverned, { events: [event], answer: 'none' })
    t.same(outcomes[`${how}, at once`], ungoverned)
    t.same(outcomes[`${how}, after it waited`], ungoverned)
  })
}

const WRONG_SIZE = `by must be a whole number of bytes or a string such as "64MiB", got 'many'`
for (const [how, event] of Object.entries({
  'gives a wrong size': `uncaughtException: ${WRONG_SIZE}`,
  'gives a wrong size later': `unhandledRejection: ${WRONG_SIZE}`,
})) {
  t.test(`a handler that ${how} is at fault: nobody is answered with that`, async t => {
    t.same(outcomes[`${how}, at once`], { events: [event], answer: 'none' })
    t.same(outcomes[`${how}, after it waited`], { events: [event], answer: 'none' })
  })
}

for (const [how, answer] of Object.entries({
  'is refused more': '503 ERR_PLIMSOLL_COST_OVER_BUDGET',
  'is refused more later': '503 ERR_PLIMSOLL_COST_OVER_BUDGET',
  'is refused a requeue': '503 ERR_PLIMSOLL_QUEUE_TIMEOUT',
  'is refused a requeue after it has begun': '200 cut',
  'is refused a requeue after it has ended': '200 ended',
})) {
  t.test(`for a handler that ${how} its client is answered, and nothing else is heard`, async t => {
    t.same(outcomes[`${how}, at once`], { events: [], answer })
    t.same(outcomes[`${how}, after it waited`], { events: [], answer })
  })
}
