import t from 'tap'
import * as core from '../src/index.ts'

t.test('these are the names that other people’s code depends on', async t => {
  t.same(Object.keys(core).sort(), [
    'ByteBudget',
    'Governor',
    'PlimsollError',
    'RunOnce',
    'answerRefusal',
    'checkObject',
    'cutBody',
    'forgetBody',
    'governorOf',
    'isPlimsollError',
    'isRefusal',
    'noReservation',
    'optionError',
    'parseByteSize',
    'readFlight',
    'refusalBody',
    'reservationOf',
    'resolvePolicy',
  ])
})

t.test('the package is what its name resolves to', async t => {
  t.equal(await import('@plimsoll/core'), core)
})
