import { getEventListeners } from 'node:events'
import t from 'tap'
import { abortAfter } from '../abort-after.ts'

t.test('it aborts with what stops it, at once where that has happened, and keeps nothing there', t => {
  const stop = new AbortController()
  const [stopped, aborted] = [abortAfter(stop.signal), abortAfter(stop.signal)]
  aborted.abort()
  t.equal(getEventListeners(stop.signal, 'abort').length, 1, 'of the one that goes on')
  stop.abort()
  t.equal(stopped.signal.aborted, true)
  t.equal(getEventListeners(stop.signal, 'abort').length, 0)
  t.equal(abortAfter(stop.signal).signal.aborted, true)
  t.end()
})

t.test('it aborts once its time has passed, and garbage collection takes nothing of it away', async t => {
  const { signal } = abortAfter(new AbortController().signal, 20)
  const passed = new Promise(resolve => signal.addEventListener('abort', resolve))
  globalThis.gc?.()
  await passed
  t.equal(signal.aborted, true)
})
