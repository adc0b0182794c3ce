import { uploadAll } from '@plimsoll/contract'
import { inBoth } from './fixtures/koa-versions.ts'
import { parsingApp } from './fixtures/parsing-app.ts'

for (const framing of ['length', 'chunked'] as const) {
  inBoth(`an uploader refused with 413 reads it, 20 times of 20: ${framing}`, async (t, Koa) => {
    const { port, parsers: routes, governor } = await parsingApp(t, Koa, { budget: '1MiB' })
    const seen = await uploadAll({ port, routes, framing, times: 20 })
    for (const { path } of routes) t.strictSame(seen[path], Array(20).fill(413), path)
    t.equal(governor.stats().reserved, 0)
  })

  inBoth(`an uploader refused with 503 reads it, 8 times of 8: ${framing}`, async (t, Koa) => {
    const queue = { limit: 0 }
    const { port, parsers: routes, governor } = await parsingApp(t, Koa, { budget: '64MiB', queue })
    const taken = governor.budget.tryAcquire('64MiB')
    const seen = await uploadAll({ port, routes, framing, times: 8 })
    for (const { path } of routes) t.strictSame(seen[path], Array(8).fill(503), path)
    taken?.release()
  })
}
