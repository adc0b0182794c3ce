import http from 'node:http'
import t from 'tap'
import { openLoop } from '../scale/open-loop.ts'
import { runCell } from '../scale/run-cell.ts'
import { renderScaleChart } from '../scale/scale-chart.ts'
import { type CellResult, kept, pointsOf, type ScaleRun, whatBecame } from '../scale/scale-result.ts'
import { markdownTable, terminalTable } from '../scale/scale-table.ts'

t.test('arrivals do not wait for answers', async t => {
  const held: http.ServerResponse[] = []
  const server = http.createServer((req, res) => {
    req.resume()
    held.push(res)
    // Whoever waited for an answer would never come.
    if (held.length === 20) for (const one of held) one.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  const arrivals = await openLoop({ port, perSecond: 100, seconds: 0.2, bytes: 100, seed: 1 })
  t.equal(arrivals.length, 20)
  t.ok(arrivals.every(({ answered, status }) => answered && status === '200'))
  arrivals.forEach(({ atMs }, slot) => {
    t.ok(atMs >= slot * 10 && atMs < (slot + 1) * 10, `${atMs} ms is in slot ${slot}`)
  })
})

t.test('goodput is what ends in time, and what came before it settled counts nowhere else', async t => {
  const at = (atMs: number, latencyMs: number, status: string) => ({
    atMs,
    latencyMs,
    status,
    answered: status === '200',
  })
  const became = whatBecame(
    [
      at(100, 100, '200'),
      at(900, 200, '200'),
      at(1_000, 10, '503 without Retry-After'),
      at(1_500, 1_000, '200'),
      at(2_000, 5_000, 'no answer'),
      at(3_900, 200, '200'),
    ],
    4,
  )
  t.strictSame(became, {
    arrived: 4,
    answered: 2,
    refused: 1,
    byStatus: { '503 without Retry-After': 1, '200': 2, 'no answer': 1 },
    goodput: 2 / 3,
    p50Ms: 200,
    p99Ms: 1_000,
  })
})

t.test('in short: a governed server at a load that it bears, from its cage', async t => {
  const cell = await runCell('plimsoll', 0.5, 1, {
    limitBytes: 2 ** 29,
    forceCage: 'supervisor',
    maxconn: 8,
    capacity: 4,
    seconds: 2,
  })
  t.match(cell, { contender: 'plimsoll', arrived: 3, answered: 3, refused: 0, ending: { kind: 'alive' } })
  t.ok(cell.peakBytes > 0)
})

t.test('a contender that was killed in one of its runs did not live', async t => {
  const cell = (
    contender: CellResult['contender'],
    times: number,
    run: number,
    goodput: number,
    peakBytes = 2 ** 27,
  ): CellResult => ({
    contender,
    times,
    run,
    offeredPerSecond: times * 20,
    arrived: 100,
    answered: 80,
    refused: 15,
    byStatus: {},
    goodput,
    p50Ms: 50,
    p99Ms: 500,
    cage: { kind: 'cgroup v2', limitBytes: 2 ** 29 },
    ending: { kind: 'alive' },
    peakBytes,
    peakOf: undefined,
  })
  const killed = { kind: 'killed for memory', exitCode: 137, atSeconds: 1, killer: 'cgroup v2' } as const
  const run: ScaleRun = {
    measuredAt: '',
    machine: { node: 'v20', system: 'linux', cores: 2, processor: 'any', memoryBytes: 1 },
    capacity: 20,
    seconds: 12,
    maxconn: 16,
    cells: [
      cell('plimsoll', 1, 1, 20),
      cell('plimsoll', 20, 1, 18),
      cell('plimsoll', 20, 2, 19),
      cell('plimsoll', 20, 3, 1),
      cell('nothing', 1, 1, 20),
      { ...cell('nothing', 20, 1, 0), ending: killed, p50Ms: undefined, p99Ms: undefined },
      cell('semaphore', 20, 1, 20, 2 ** 30),
    ],
  }
  t.equal(kept(pointsOf(run, 'plimsoll')), 0.9)
  t.strictSame(
    pointsOf(run, 'nothing').map(({ lived }) => lived),
    [true, false],
  )
  t.equal(pointsOf(run, 'semaphore')[0]?.lived, false)
  for (const table of [terminalTable(run), markdownTable(run)]) {
    t.match(table, 'Plimsoll: 90 % of its highest goodput is left at 20 times the capacity; lived at each.')
    t.match(table, 'nothing: 0 % of its highest goodput')
    t.match(table, '0.90 (0.05 to 0.95)')
    t.match(table, '5.0 %')
  }
  t.match(renderScaleChart(run), '✕')
})
