import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { boundedFetch, fanOut, readBounded, type Task } from '../src/index.ts'
import { Upstream } from './fixtures/upstream.ts'

const MANY = 20

t.test('many calls under one signal are no leak that Node would warn of', async t => {
  const upstream = await Upstream.start(t, 'HTTP/1', res => res.write('some'))
  const warnings: Error[] = []
  const warned = (warning: Error): unknown => warnings.push(warning)
  process.on('warning', warned)
  t.teardown(() => process.off('warning', warned))
  for (const call of [
    (signal: AbortSignal): Promise<unknown> =>
      boundedFetch({ limit: 10, signal })(upstream.url).then(res => res.text()),
    (signal: AbortSignal): Promise<unknown> => readBounded(new ReadableStream(), 10, { signal }),
    (signal: AbortSignal): Promise<unknown> =>
      fanOut([(() => new Promise(() => {})) as Task<never>], { signal }),
  ]) {
    const controller = new AbortController()
    const reason = new Error('enough')
    const calls: Promise<unknown>[] = Array.from({ length: MANY }, () => call(controller.signal))
    for (const one of calls) one.catch(() => {})
    await setImmediate()
    controller.abort(reason)
    for (const one of calls) await t.rejects(one, reason)
  }
  await setImmediate()
  t.same(warnings, [])
})
