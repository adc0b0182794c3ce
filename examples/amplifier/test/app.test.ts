import t from 'tap'
import { FAULTS, type Fault } from '../src/faults.ts'
import { Suppliers, serve, until } from './serve.ts'

const OFFERS = { north: 6, east: 6, south: 6, west: 6 }

for (const guarded of [false, true]) {
  const name = guarded ? 'guarded' : 'unguarded'
  for (const faults of [[], FAULTS]) {
    t.test(
      `${name}, ${faults.length === 0 ? 'no fault' : 'all faults'}: offers are what they are`,
      async t => {
        const { url } = await serve(t, await Suppliers.start(t), faults, guarded)
        const fine = await fetch(`${url}/offers/fine-1`)
        t.equal(fine.status, 200)
        t.same(await fine.json(), OFFERS)
        t.same(await (await fetch(`${url}/offers/none-1`)).json(), {}, 'where there are none there are none')
        t.equal((await fetch(`${url}/health`)).status, 200)
      },
    )
  }

  t.test(`${name}: what is too large is a 502, unless nobody counts`, async t => {
    const suppliers = await Suppliers.start(t)
    const { url } = await serve(t, suppliers, guarded ? FAULTS : [], guarded)
    t.equal((await fetch(`${url}/offers/large-1`)).status, 502)
    await until(() => suppliers.open === 0)
  })

  t.test(`${name}: who waits for too long is told, and nothing of it goes on`, async t => {
    const suppliers = await Suppliers.start(t)
    const { url } = await serve(t, suppliers, guarded ? FAULTS : [], guarded)
    t.equal((await fetch(`${url}/offers/slow-1`)).status, 504)
    await until(() => suppliers.open === 0)
  })

  t.test(`${name}: of a client that leaves nothing goes on`, async t => {
    const suppliers = await Suppliers.start(t)
    const { url } = await serve(t, suppliers, guarded ? FAULTS : [], guarded)
    const controller = new AbortController()
    const asking = fetch(`${url}/offers/slow-1`, { signal: controller.signal })
    await until(() => suppliers.open > 0)
    controller.abort()
    await t.rejects(asking)
    await until(() => suppliers.open === 0)
    t.ok(suppliers.asked <= 2, `${suppliers.asked} were asked`)
  })
}

/** How many answers of suppliers are under way at once for a request, and how many in all. */
const FACTORS: readonly [faults: readonly Fault[], guarded: boolean, mostOpen: number, asked: number][] = [
  [[], false, 1, 4],
  [['four-at-once'], false, 4, 4],
  [['four-at-once', 'runs-twice'], false, 8, 8],
  [['four-at-once', 'runs-twice'], true, 2, 4],
]
for (const [faults, guarded, mostOpen, asked] of FACTORS) {
  t.test(
    `${faults.join(', ') || 'no fault'}${guarded ? ', guarded' : ''}: ${mostOpen} at once of ${asked}`,
    async t => {
      const suppliers = await Suppliers.start(t)
      const { url } = await serve(t, suppliers, faults, guarded)
      t.same(await (await fetch(`${url}/offers/fine-1`)).json(), OFFERS)
      await until(() => suppliers.asked === asked && suppliers.open === 0)
      // Of those that end, the first might before the last has begun.
      t.equal((await fetch(`${url}/offers/slow-1`)).status, 504)
      t.equal(suppliers.mostOpen, mostOpen)
    },
  )
}

t.test('what nobody reads keeps its connection, unless it is cancelled', async t => {
  for (const [faults, connections] of [
    [[], 0],
    [['unread-bodies'], 4],
  ] as const) {
    const suppliers = await Suppliers.start(t)
    const { url } = await serve(t, suppliers, faults, false)
    t.equal((await fetch(`${url}/offers/none-1`)).status, 200)
    await until(() => suppliers.connections === connections)
  }
})

t.test('the guarded server tells what became of its requests', async t => {
  const { url } = await serve(t, await Suppliers.start(t), FAULTS, true)
  await (await fetch(`${url}/offers/fine-1`)).text()
  let report = ''
  while (report === '') report = await (await fetch(`${url}/report`)).text()
  t.match(report, /^route .*\nGET \/offers\/:thing +1 +2\.00 +4\.00 /)
})
