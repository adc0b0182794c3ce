import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import t from 'tap'
import { reservationOf } from '../src/governor.ts'

t.test('a request that no governor has met holds nothing and gets nothing', async t => {
  const none = reservationOf(new IncomingMessage(new Socket()))
  none.shrink(0)
  none.hold(Promise.reject(new Error('not ours')).catch(() => {}))
  t.match(none, { bytes: 0, released: true })
  t.equal(none.tryGrow(1), false)
  await t.rejects(none.requeue(1), { code: 'ERR_PLIMSOLL_RELEASED' })
})

t.test('listeners to its signal are not kept', async t => {
  const none = reservationOf(new IncomingMessage(new Socket()))
  t.equal(none.signal.aborted, false)
  t.not(none.signal, none.signal)
})
