import t, { type Test } from 'tap'
import { ByteBudget } from '../src/byte-budget.ts'
import { GovernedRequest } from '../src/governed-request.ts'
import { Holding } from '../src/holding.ts'
import { FREE } from '../src/price.ts'
import type { BudgetReservation } from '../src/reservation.ts'
import { anyValue } from './fixtures/any-value.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { promisesSettled } from './fixtures/settled.ts'

const KIB = 1024
const MIB = 2 ** 20
const KEEPER = {
  waiting: new Set<GovernedRequest>(),
  working: new Set<GovernedRequest>(),
  released() {},
  requeueRefused() {},
  streams() {},
  cutOff() {},
}

/** A request that holds a guess of 1 MiB for its response and 1 MiB for its body, while somebody waits. */
async function holdingWhileAnotherWaits(
  t: Pick<Test, 'teardown'>,
  meanwhile: (request: GovernedRequest) => unknown = () => {},
): Promise<number> {
  const clock = new FakeClock(t)
  const budget = new ByteBudget({ capacity: 3 * MIB })
  const socket = { remoteAddress: '127.0.0.1' }
  const req = anyValue<GovernedRequest['req']>({ socket, method: 'POST', headers: {}, httpVersionMajor: 1 })
  const res = anyValue<GovernedRequest['res']>({ socket, writableLength: 0 })
  const request = new GovernedRequest(req, res, budget, undefined, KEEPER)
  request.price = { ...FREE, bytes: 2 * MIB, response: MIB }
  request.tryAcquire(2 * MIB)
  await meanwhile(request)
  const other = budget.acquire(3 * MIB)
  clock.tick(5000)
  await promisesSettled()
  const held = request.bytes
  request.leave()
  const granted = await other
  granted.release()
  return held
}

t.test('what was guessed for a response is given back while others wait, and nothing else', async t => {
  t.equal(await holdingWhileAnotherWaits(t), MIB)
})

t.test('what a response buffers by then is no guess', async t => {
  const held = await holdingWhileAnotherWaits(t, request => request.buffered(100 * KIB))
  t.equal(held, MIB + (64 + 200) * KIB)
  t.equal(await holdingWhileAnotherWaits(t, request => request.buffered(MIB)), 2 * MIB, 'it may be all of it')
})

t.test('what a handler says that it holds is no guess', async t => {
  t.equal(await holdingWhileAnotherWaits(t, request => request.shrink(MIB / 2)), MIB / 2)
  t.equal(await holdingWhileAnotherWaits(t, request => request.requeue(MIB / 2)), MIB / 2)
})

t.test('what a handler grows by is no guess', async t => {
  t.equal(await holdingWhileAnotherWaits(t, request => request.tryGrow(KIB)), MIB + KIB)
})

t.test('who is over is charged nothing', async t => {
  const budget = new ByteBudget({ capacity: 100 })
  const holding = new Holding(anyValue({}), budget)
  holding.charge(10)
  t.same([holding.bytes, budget.reserved], [10, 10])
  holding.release()
  holding.charge(10)
  t.same([holding.bytes, budget.reserved], [0, 0])
})

t.test('who lends has a piece only as far as what is lent can still come back', async t => {
  const budget = new ByteBudget({ capacity: 100 * MIB })
  const payer = { price: FREE, socket: {}, joinShare() {}, bodyHold: () => ({ hold() {}, letCome() {} }) }
  const holding = new Holding(anyValue(payer), budget)
  const reservation = budget.tryAcquire(60 * MIB) as BudgetReservation
  holding.take(reservation)
  holding.lend(reservation, 10 * MIB)
  t.ok(budget.lent > 40 * MIB)
  const piece = holding.piece()
  t.equal(holding.growPiece(piece, 41 * MIB), false, 'there is room for it, but not beside his rest')
  t.equal(holding.growPiece(piece, 40 * MIB), true)
  t.equal(piece.bytes, 40 * MIB)
  piece.release()
  holding.release()
  t.match(budget, { reserved: 0, lent: 0 })
})
