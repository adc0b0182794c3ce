import t from 'tap'
import { type Finalizable, governed, mark } from '../src/finalization.ts'
import { injected } from './fixtures/injected.ts'

t.test('a request is known again, also where Node keeps its state elsewhere', async t => {
  for (const stateless of [false, true]) {
    const { req } = injected([])
    if (stateless) Object.defineProperty(req, '_readableState', { value: undefined })
    t.equal(governed(req), undefined)
    const request = { req } as unknown as Finalizable
    mark(request)
    t.equal(governed(req), request)
  }
})
