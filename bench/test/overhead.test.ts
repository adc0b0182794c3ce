import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { frameworks } from '../overhead/contenders.ts'
import { loadHttp2 } from '../overhead/load/http2.ts'
import { type Measured, measure } from '../overhead/measure.ts'
import { renderOverheadChart } from '../overhead/overhead-chart.ts'
import { besideThem, type OverheadResult, type OverheadRun, ratios } from '../overhead/overhead-result.ts'
import { markdownTable, terminalTable } from '../overhead/overhead-table.ts'
import { type Route, routes } from '../overhead/routes.ts'

for (const { name, serve, inFront: all, protocols } of frameworks) {
  for (const protocol of protocols) {
    t.test(`${name} answers each route over ${protocol}, whatever is in front`, async t => {
      for (const inFront of all) {
        const server = await serve(inFront, protocol)
        const { port } = server.address() as AddressInfo
        for (const route of routes) {
          if (protocol === 'HTTP/1') t.equal(await exchange(port, route), 200, `${inFront}, ${route.title}`)
          else t.ok((await loadHttp2(port, route, 2, 0.02)).requests > 0, `${inFront}, ${route.title}`)
        }
        server.close()
        await once(server, 'close')
      }
    })
  }
}

async function exchange(port: number, { method, path, type, body }: Route): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { connection: 'close', ...(type && { 'content-type': type }) },
    ...(body && { body }),
  })
  await response.arrayBuffer()
  return response.status
}

t.test('what is not answered by 200 is no figure', async t => {
  const server = await (frameworks[0] as (typeof frameworks)[0]).serve('plain', 'HTTP/2')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const nowhere = { name: 'nowhere', title: 'nowhere', method: 'GET', path: '/nowhere' } as const
  await t.rejects(loadHttp2(port, nowhere, 1, 0.05), { message: '404, not 200' })
})

t.test('in short: servers side by side, requests and CPU time of each', async t => {
  const sideBySide = (['plain', 'plimsoll'] as const).map(inFront => ({ framework: 'node:http', inFront }))
  for (const [protocol, contenders] of [
    ['HTTP/1', sideBySide.slice(0, 1)],
    ['HTTP/2', sideBySide],
  ] as const) {
    const measured = await measure(contenders, { route: 'hello', protocol, seconds: 1, warmSeconds: 0.1 })
    t.equal(measured.length, contenders.length)
    for (const { requestsPerSecond, userMicroseconds, systemMicroseconds } of measured) {
      t.ok(requestsPerSecond > 0)
      t.ok(userMicroseconds + systemMicroseconds > 0)
    }
  }
})

const machine = { node: 'v20', system: 'linux', cores: 2, processor: 'any', memoryBytes: 1 }
const runOf = (results: readonly OverheadResult[]): OverheadRun => ({
  machine,
  seconds: 4,
  warmSeconds: 10,
  results,
})
const cost = (requestsPerSecond: number, userMicroseconds: number): Measured => ({
  requestsPerSecond,
  userMicroseconds,
  systemMicroseconds: 10,
})
const result = (inFront: OverheadResult['inFront'], runs: Measured[]): OverheadResult => ({
  protocol: 'HTTP/1',
  route: 'hello',
  framework: 'Koa 3',
  inFront,
  measuredAt: '',
  runs,
})

t.test('each run is compared with the plain server beside it', async t => {
  const plimsoll = result('plimsoll', [cost(90, 50), cost(100, 90)])
  const run = runOf([result('plain', [cost(100, 40), cost(200, 90)]), plimsoll])
  t.strictSame(ratios(run, plimsoll, 'requests'), [0.9, 0.5])
  t.strictSame(ratios(run, plimsoll, 'cpu'), [1.2, 1])
  for (const table of [terminalTable(run), markdownTable(run)]) t.match(table, '1.100 (1.00 to 1.20)')
  t.match(renderOverheadChart(run), 'Koa 3, Plimsoll')
})

t.test('new figures take the place of older ones, others stay', async t => {
  const old = { ...result('plain', [cost(1, 1)]), route: 'json' }
  const kept = runOf([result('plain', [cost(1, 1)]), result('plimsoll', [cost(1, 1)]), old])
  const fresh = runOf([result('plain', [cost(2, 2)])])
  t.strictSame(besideThem(fresh, kept).results, [...fresh.results, old])
})
