import t from 'tap'
import { RequestWork } from '../src/request-work.ts'
import { deferred } from './fixtures/deferred.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { scenario } from './fixtures/governed-server.ts'
import { KeptRequests } from './fixtures/kept-requests.ts'
import { head, post } from './fixtures/raw-client.ts'
import { promisesSettled } from './fixtures/settled.ts'

t.test('what goes on after its client has left counts from then, or from when it was begun', async t => {
  const clock = new FakeClock(t)
  const work = new RequestWork()
  const before = work.begin('before')
  const during = work.begin()
  t.match([...work.held], [{ name: 'before' }, { name: 'unnamed' }])
  clock.tick(10)
  work.end(before)
  work.clientLeft()
  clock.tick(5)
  work.clientLeft()
  const after = work.begin()
  clock.tick(20)
  work.end(after)
  work.end(during)
  t.match(work, { outlived: 2, outlivedMs: 45 })
  t.equal(work.held.size, 0)
})

{
  const kept = new KeptRequests()
  const setup = { options: { budget: 10 }, handler: kept.handler }
  scenario('held work is listed by its name and age, the oldest first', setup, async (t, server) => {
    const clock = new FakeClock(t)
    const { governor } = server
    const [one, other] = [await server.connect(), await server.connect()]
    one.write(post('/one?secret=1', '1234'))
    await server.reached(1)
    other.write(head('GET', '/other'))
    await server.reached(2)
    const works = [deferred(), deferred(), deferred()]
    t.same(governor.heldWork(), [])
    kept.at(1).reservation.hold(works[0]?.promise as Promise<void>, 'resize')
    clock.tick(30)
    kept.at(0).reservation.hold(works[1]?.promise as Promise<void>, 'audit')
    kept.at(0).reservation.hold(works[2]?.promise as Promise<void>)
    clock.tick(12)
    const there = { clientGoneMs: undefined }
    t.same(governor.heldWork(), [
      { name: 'resize', route: 'GET /other', bytes: 0, ageMs: 42, ...there },
      { name: 'audit', route: 'POST /one', bytes: 4, ageMs: 12, ...there },
      { name: 'unnamed', route: 'POST /one', bytes: 4, ageMs: 12, ...there },
    ])
    one.leave()
    kept.at(1).res.end()
    await other.answers(1)
    await server.connections(1)
    clock.tick(100)
    works[2]?.reject(new Error('also over'))
    await promisesSettled()
    t.same(governor.heldWork(), [
      { name: 'resize', route: 'GET /other', bytes: 0, ageMs: 142, ...there },
      { name: 'audit', route: 'POST /one', bytes: 4, ageMs: 112, clientGoneMs: 100 },
    ])
    t.equal(governor.budget.reserved, 4)
    works[0]?.resolve()
    works[1]?.resolve()
    await server.idle()
    t.same(governor.heldWork(), [])
    const routes = governor
      .report()
      .routes.map(({ route, work }) => [route, work?.outlived, work?.outlivedMs])
    t.same(Object.fromEntries(routes.map(([route, ...figures]) => [route, figures])), {
      'GET /other': [0, 0],
      'POST /one': [2, 200],
    })
    other.write(head('GET', '/other'))
    await server.reached(3)
    const again = deferred()
    kept.at(2).reservation.hold(again.promise)
    governor.admit(kept.at(2).req, kept.at(2).res)
    t.match(governor.heldWork(), [{ route: 'GET /other' }], 'by now its route is known')
    kept.at(2).res.end()
    again.resolve()
  })
}

{
  const kept = new KeptRequests()
  scenario(
    'what a framework calls its route is what held work is of',
    { handler: kept.handler },
    async (t, server) => {
      const { governor } = server
      const client = await server.connect()
      client.write(head('GET', '/a'))
      await server.reached(1)
      const { req, res, reservation } = kept.at(0)
      const work = deferred()
      reservation.hold(work.promise)
      Object.assign(reservation, { route: '/:id' })
      t.match(governor.heldWork(), [{ route: 'GET /:id' }])
      t.equal(governor.stats().repeated, 0)
      governor.countRepeated(req)
      governor.countRepeated()
      t.equal(governor.stats().repeated, 2)
      work.resolve()
      res.end()
      await server.idle()
      t.match(governor.report().routes, [{ requests: 1, work: { runs: 2 } }])
    },
  )
}
