import assert from 'node:assert/strict'
import { type AdapterOptions, Governor } from '@plimsoll/core'
import type { Scenario } from '../scenario.ts'

const governor = new Governor({ budget: 1 })

/** What no option may be; the key is how the error names it. */
const WRONG: Record<string, readonly unknown[]> = {
  budget: [
    ...[Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY, '', '64MiBs', '-1MiB', 'much'],
    ...[null, true, [], {}, () => 5],
  ].map(budget => ({ budget })),
  queue: [null, 5, 'long', [], true].map(queue => ({ budget: 1, queue })),
  'queue.limit': [-1, 1.5, Number.NaN, '5', null, true].map(limit => ({ budget: 1, queue: { limit } })),
  'queue.timeoutMs': [-1, 1.5, Number.NaN, '5', null, 2 ** 31].map(timeoutMs => ({
    budget: 1,
    queue: { timeoutMs },
  })),
  'the key "length" of queue': [{ budget: 1, queue: { length: 5 } }],
  cost: [Number.NaN, -1, 1.5, '', 'much', null, true, [], {}].map(cost => ({ budget: 1, cost })),
  maxBody: [Number.NaN, -1, 1.5, '', 'much', null, true, [], {}, () => 5].map(maxBody => ({
    budget: 1,
    maxBody,
  })),
  body: ['whole', '', 5, null, true, {}].map(body => ({ budget: 1, body })),
  requireLength: ['yes', 1, null, {}].map(requireLength => ({ budget: 1, requireLength })),
  exempt: ['/health', 5, null, {}, true].map(exempt => ({ budget: 1, exempt })),
  logger: ['loud', 5, null, {}, { info() {}, warn() {} }].map(logger => ({ budget: 1, logger })),
  'the key "maxbody" of options': [{ budget: 1, maxbody: 5 }],
  governor: [null, 5, 'mine', {}].map(governor => ({ governor })),
  'the key "budget" of options': [{ governor, budget: 5 }],
  'the key "queue" of options': [{ governor, queue: { limit: 5 } }],
}

const ofAPolicy: Record<string, readonly unknown[]> = {
  cost: [Number.NaN, 'much', null],
  maxBody: [-1, {}],
  body: ['whole'],
  requireLength: ['yes'],
  exempt: ['yes', () => true],
}

const options: readonly Scenario[] = [
  ...Object.entries(WRONG).map(
    ([name, values]): Scenario => ({
      name: `${name} of the wrong type or range stops the server when it starts, and is named`,
      async run({ framework }) {
        for (const wrong of values) {
          const setup = { options: wrong as AdapterOptions, routes: [] }
          await assert.rejects(
            async () => (await framework.serve(setup)).stop(),
            named(name),
            JSON.stringify(wrong),
          )
        }
      },
    }),
  ),
  ...Object.entries(ofAPolicy).map(
    ([name, values]): Scenario => ({
      name: `${name} of the wrong type in a route's policy stops the server when it starts, and is named`,
      async run({ framework, keep }) {
        for (const wrong of values) {
          const setup = {
            options: { budget: 1 },
            routes: [{ method: 'GET', path: '/', policy: { [name]: wrong }, handle: keep } as const],
          }
          await assert.rejects(async () => (await framework.serve(setup)).stop(), named(name), String(wrong))
        }
      },
    }),
  ),
]

/** An error of ours whose message begins with the option's name. */
function named(option: string) {
  return (error: unknown): true => {
    const { code, message } = error as { code?: string; message: string }
    assert.equal(code, 'ERR_PLIMSOLL_OPTION', message)
    assert.ok(message.startsWith(`${option} must be `), message)
    return true
  }
}

export { options }
