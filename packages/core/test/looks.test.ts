import t, { type Test } from 'tap'
import { ByteBudget } from '../src/byte-budget.ts'
import { LOOK_EVERY_MS, Looks } from '../src/looks.ts'
import { FakeClock } from './fixtures/fake-clock.ts'

/** A budget of which a share is looked at, and nothing else. */
function shared(t: Test) {
  const clock = new FakeClock(t)
  const budget = new ByteBudget({ capacity: 100 })
  const share = {
    looks: 0,
    rests: 0,
    look() {
      share.looks++
    },
    rest() {
      share.rests++
    },
  }
  const looks = new Looks(budget)
  budget.looks = looks
  looks.share = share
  return { clock, budget, looks, share }
}

t.test('it looks before somebody is let in, and until nobody is there', t => {
  const { clock, budget, share } = shared(t)
  const held = budget.tryAcquire(1)
  t.match(share, { looks: 1, rests: 0 })
  clock.tick(10 * LOOK_EVERY_MS)
  t.match(share, { looks: 11, rests: 0 })
  held?.release()
  clock.tick(10 * LOOK_EVERY_MS)
  t.match(share, { looks: 11, rests: 1 })
  t.equal(clock.pending, 0)
  t.end()
})

t.test('giants are somebody', async t => {
  const { clock, budget, looks, share } = shared(t)
  budget.configure(100, 500)
  const giant = budget.acquire(400)
  budget.letGiantsIn(true)
  const held = await giant
  t.equal(looks.rest(), false)
  clock.tick(LOOK_EVERY_MS)
  t.match(share, { looks: 2, rests: 0 })
  held.release()
  clock.tick(LOOK_EVERY_MS)
  t.match(share, { looks: 2, rests: 1 })
})
