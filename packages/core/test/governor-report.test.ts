import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { Governor } from '../src/governor.ts'
import { governorReport } from '../src/governor-report.ts'
import { Measure } from '../src/measure.ts'
import { memoryLimit } from '../src/memory-limit.ts'
import { RouteMeasures } from '../src/route-measures.ts'
import { silent } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'

const MIB = 2 ** 20
const NONE = { p50: 0, p99: 0, max: 0 }

function reportOf(rows: readonly RouteMeasures[], demand = new Measure()) {
  return governorReport({
    sinceMs: performance.now() - 1000,
    mode: 'observe',
    budget: 100 * MIB,
    demand,
    idleBytes: 50 * MIB,
    rows,
  })
}

/** A route whose bodies are as long as this. */
function route(name: string, readBytes: number): RouteMeasures {
  const row = new RouteMeasures(name, 0)
  row.over(0)
  row.measure({ declaredBytes: readBytes, readBytes, reservedBytes: 1, heldMs: 2, read: 'buffer' })
  return row
}

t.test('a governor that has seen nothing has a report all the same', async t => {
  const { at, forMs, memory, ...report } = reportOf([])
  t.match(report, {
    mode: 'observe',
    budget: 100 * MIB,
    demandBytes: NONE,
    routes: [],
    recommended: { because: /^no request has cost anything yet; /, evidence: { requests: 0, confidence: 0 } },
  })
  t.equal(new Date(at).toISOString(), at)
  t.ok(forMs >= 1000 && Number.isSafeInteger(forMs))
  t.match(memory, { limit: memoryLimit(), idleBytes: 50 * MIB })
  t.ok(memory.residentBytes > MIB)
})

t.test('routes are told in the order of what they cost, whichever was seen first', async t => {
  const rows = [route('small', 10), route('large', 10 * MIB), route('none', 0), route('medium', MIB)]
  t.same(
    reportOf(rows).routes.map(({ route }) => route),
    ['large', 'medium', 'small', 'none'],
  )
})

t.test('a route is told with all that was measured, and as it was then', async t => {
  const row = route('POST /a', 1)
  row.queued = 3
  row.waitedMs.record(4)
  row.refuse('ERR_PLIMSOLL_CLOSED')
  const { routes } = reportOf([row])
  const one = (value: number) => ({ p50: value, p99: value, max: value })
  const { recommended, ...told } = routes[0] as (typeof routes)[0]
  const should = {
    route: 'POST /a',
    requests: 1,
    declaredBytes: one(1),
    readBytes: one(1),
    reservedBytes: one(1),
    bufferedBytes: NONE,
    heldMs: one(2),
    queued: 3,
    waitedMs: one(4),
    refused: { ERR_PLIMSOLL_CLOSED: 1 },
  }
  t.same(told, should)
  t.match(recommended, { because: /^bodies are read as buffer/, evidence: { requests: 1 } })
  row.refuse('ERR_PLIMSOLL_CLOSED')
  row.over(MIB)
  row.measure({ declaredBytes: 9, readBytes: 9, reservedBytes: 9, heldMs: 5, read: undefined })
  t.same(told, should, 'whatever comes later')
})

t.test('the budget is recommended by the route that costs most, and by the demand', async t => {
  const demand = new Measure()
  demand.record(7)
  const { demandBytes, recommended } = reportOf([route('small', 10), route('large', MIB)], demand)
  t.equal(demandBytes.max, 7)
  t.equal(recommended.evidence.requests, 1)
  t.match(recommended.because, /^room for 4 of the largest requests, which cost 3 MiB; /)
  t.ok(recommended.bytes > 10 * MIB && recommended.bytes < 11 * MIB, `${recommended.bytes}`)
})

t.test('a route that its framework names is known by that, also where it answers 404', async t => {
  const governor = new Governor({ budget: '1MiB', logger: silent })
  const server = createServer((req, res) => {
    governor.admit(req, res, undefined, req.url === '/named/1' ? '/named/:id' : undefined)
    res.writeHead(404).end()
  })
  t.teardown(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  for (const path of ['/named/1', '/unknown']) await (await fetch(`http://127.0.0.1:${port}${path}`)).text()
  await until(() => governor.stats().released === 2, 'the end of both')
  t.same(
    governor.report().routes.map(({ route }) => route),
    ['GET /named/:id'],
  )
})

t.test(
  'what a response was guessed to cost is told as far as it was used, and a cost is no body',
  async t => {
    const governor = new Governor({ budget: '64MiB', cost: 'auto', logger: silent })
    const server = createServer((req, res) => {
      governor.admit(req, res, req.url === '/fixed' ? { cost: '2MiB' } : undefined)
      res.end('x')
    })
    t.teardown(() => server.close())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    for (const path of ['/guessed', '/fixed']) await (await fetch(`http://127.0.0.1:${port}${path}`)).text()
    await until(() => governor.stats().released === 2, 'the end of both')
    t.match(
      governor.report().routes.map(({ route, reservedBytes, recommended }) => ({
        route,
        most: reservedBytes.max,
        because: recommended.because,
      })),
      [
        { route: 'GET /guessed', most: 0, because: 'responses are hardly buffered' },
        { route: 'GET /fixed', most: 2 * MIB, because: 'responses are hardly buffered' },
      ],
    )
  },
)
