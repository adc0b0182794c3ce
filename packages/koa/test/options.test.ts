import { Governor } from '@plimsoll/core'
import t from 'tap'
import { type PlimsollOptions, plimsoll } from '../src/index.ts'

t.test('a wrong option stops the server when it starts, and is named', async t => {
  const governor = new Governor({ budget: 1 })
  const wrong: [unknown, RegExp][] = [
    [null, /options/],
    ['64MiB', /options/],
    [{ budget: '64mb' }, /budget/],
    [{ bugdet: '64MiB' }, /bugdet/],
    [{ governor: {} }, /governor/],
    [{ governor: undefined }, /governor/],
    [{ governor, budget: '64MiB' }, /budget/],
    [{ governor, queue: { limit: 0 } }, /queue/],
    [{ governor, body: 'both' }, /body/],
    [{ maxBody: Number.NaN }, /maxBody/],
  ]
  for (const [options, name] of wrong) {
    t.throws(() => plimsoll(options as PlimsollOptions), { code: 'ERR_PLIMSOLL_OPTION', message: name })
  }
})
