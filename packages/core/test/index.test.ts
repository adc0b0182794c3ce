import t from 'tap'
import * as core from '../src/index.ts'

t.test('these are the names that other people’s code depends on', async t => {
  t.same(Object.keys(core).sort(), [
    'BESIDE_A_WAITER',
    'ByteBudget',
    'CONNECTION_BYTES',
    'FLOATING_BYTES',
    'Governor',
    'PlimsollError',
    'RunOnce',
    'answerRefusal',
    'checkDuration',
    'checkObject',
    'checkOptions',
    'checkWhole',
    'chooseBudget',
    'connectionsFor',
    'cutBody',
    'forgetBody',
    'governorOf',
    'handlerOver',
    'isPlimsollError',
    'isRefusal',
    'laneBeside',
    'limitFor',
    'memoryLimit',
    'memoryUse',
    'noReservation',
    'noteRead',
    'noteTasks',
    'optionError',
    'parseByteSize',
    'readFlight',
    'refusalBody',
    'reservationOf',
    'resolvePolicy',
    'shutdown',
    'shutdownOnSignal',
    'smallFor',
    'waitersBeside',
  ])
})

t.test('the package is what its name resolves to', async t => {
  t.equal(await import('@plimsoll/core'), core)
})
