import assert from 'node:assert/strict'
import type { RequestHead, RoutePolicy } from '@plimsoll/core'
import { assertRefused } from '../refusals.ts'
import type { Scenario } from '../scenario.ts'

/** Cost functions that tell none. As JavaScript has them. */
const FAULTY: Record<string, () => unknown> = {
  throws: () => {
    throw new Error('on purpose')
  },
  'returns NaN': () => Number.NaN,
  'returns a negative': () => -1,
  'returns no size': () => '5 apples',
  'returns nothing': () => undefined,
  'is async': async () => 5,
  rejects: async () => {
    throw new Error('on purpose')
  },
}

type Cost = Exclude<RoutePolicy['cost'], undefined>

/** What one route costs and allows, and what is exempt. */
export const policies: readonly Scenario[] = [
  {
    name: 'a cost of its own holds for a route, and for no other',
    options: { budget: 1000 },
    routes: trial => [{ method: 'GET', path: '/costly', policy: { cost: 600 }, handle: trial.keep }],
    async run(trial) {
      const costly = trial.open('GET', '/costly')
      const first = await trial.handled(1)
      await trial.holds(600)
      const free = trial.open('GET', '/keep')
      const second = await trial.handled(2)
      await trial.holds(600)
      for (const kept of [first, second]) kept.reply()
      assert.deepEqual([await costly.answer(), await free.answer()], [200, 200])
    },
  },
  {
    name: 'a cost of its own is told of the head',
    options: { budget: 1000 },
    routes: trial => [
      {
        method: 'POST',
        path: '/costly',
        policy: {
          cost: ({ method, url, headers, declaredBytes = 0 }: RequestHead) =>
            method === 'POST' && url === '/costly?a=b' ? declaredBytes * Number(headers['x-times']) : 0,
        },
        handle: trial.keep,
      },
    ],
    async run(trial) {
      const call = trial.open('POST', '/costly?a=b', { length: 5, headers: { 'x-times': 3 } })
      call.end('12345')
      const kept = await trial.handled(1)
      await trial.holds(15)
      kept.reply()
      assert.equal(await call.answer(), 200)
    },
  },
  {
    name: 'a route may allow less than the application, and read its body as a stream',
    options: { maxBody: 100 },
    routes: trial => [
      { method: 'POST', path: '/small', policy: { maxBody: 5 }, handle: trial.keep },
      { method: 'POST', path: '/sized', policy: { requireLength: true }, handle: trial.keep },
    ],
    async run(trial) {
      await assertRefused(await trial.send('POST', '/small', '123456'), 'ERR_PLIMSOLL_BODY_TOO_LARGE')
      await assertRefused(trial.open('POST', '/sized'), 'ERR_PLIMSOLL_LENGTH_REQUIRED')
      assert.equal((await trial.send('POST', '/length', '123456')).text, '6')
      assert.equal(trial.kept.length, 0)
    },
  },
  {
    name: 'a route that is exempt holds nothing, and is served where there is no room',
    options: { budget: 1000 },
    routes: trial => [{ method: 'GET', path: '/health', policy: false, handle: trial.keep }],
    async run(trial) {
      const room = trial.occupy()
      const call = trial.open('GET', '/health')
      const kept = await trial.handled(1)
      assert.equal(kept.reservation.bytes, 0)
      kept.reply()
      assert.equal(await call.answer(), 200)
      room.free()
    },
  },
  {
    name: 'a request that is exempt by its head never waits and holds nothing, and its body stays bounded',
    options: { maxBody: 10, queue: { limit: 0 }, exempt: ({ url }) => url === '/keep' },
    async run(trial) {
      const room = trial.occupy()
      const call = trial.open('POST', '/keep', { length: 10 })
      call.end('1234567890')
      const kept = await trial.handled(1)
      assert.equal(kept.reservation.bytes, 0)
      kept.reply()
      assert.equal(await call.answer(), 200)
      await assertRefused(await trial.send('POST', '/keep', '12345678901'), 'ERR_PLIMSOLL_BODY_TOO_LARGE')
      const chunked = trial.open('POST', '/keep')
      chunked.write('12345678901')
      assert.equal(await chunked.answer(), 413)
      chunked.leave()
      await assertRefused(await trial.send('POST', '/length', '1'), 'ERR_PLIMSOLL_QUEUE_FULL')
      room.free()
    },
  },
  {
    name: 'an exempt function that throws answers 500, and admits nothing',
    options: {
      exempt: ({ url }) => {
        if (url === '/keep') throw new Error('on purpose')
        return false
      },
    },
    async run(trial) {
      await assertRefused(await trial.send('POST', '/keep', '12345'), 'ERR_PLIMSOLL_COST_FUNCTION')
      assert.equal(trial.kept.length, 0)
    },
  },
  ...Object.entries(FAULTY).flatMap(([how, fault]): Scenario[] => [
    {
      name: `a cost function that ${how} answers 500, and admits nothing`,
      options: { cost: (({ url }: RequestHead) => (url === '/keep' ? fault() : 0)) as Cost },
      async run(trial) {
        for (const body of ['12345', ''])
          await assertRefused(await trial.send('POST', '/keep', body), 'ERR_PLIMSOLL_COST_FUNCTION')
        await assertRefused(trial.open('POST', '/keep'), 'ERR_PLIMSOLL_COST_FUNCTION')
        assert.equal(trial.kept.length, 0)
        await trial.holds(0)
      },
    },
    {
      name: `a cost function of a route that ${how} answers 500, and calls no handler`,
      routes: trial => [
        { method: 'POST', path: '/costly', policy: { cost: fault as Cost }, handle: trial.keep },
      ],
      async run(trial) {
        await assertRefused(await trial.send('POST', '/costly', '12345'), 'ERR_PLIMSOLL_COST_FUNCTION')
        assert.equal(trial.kept.length, 0)
      },
    },
  ]),
]
