import { BareClient, head, serve, until } from '@plimsoll/contract'
import { Governor, type GovernorReport, noteRead, reservationOf } from '@plimsoll/core'
import t from 'tap'
import { amplification, amplificationTable, fanOut } from '../src/index.ts'
import { silent } from './fixtures/in-request.ts'

const NOTHING = { tasks: 0, readBytes: 0, declaredBytes: 0, outlived: 0, outlivedMs: 0 }

/** A report, as far as it counts here. */
function reportOf(
  routes: readonly Pick<GovernorReport['routes'][number], 'route' | 'requests' | 'work'>[],
): Pick<GovernorReport, 'routes'> {
  return { routes } as Pick<GovernorReport, 'routes'>
}

t.test(
  'each figure is for one request, the worst route comes first, and the factor is their product',
  async t => {
    const report = reportOf([
      { route: 'GET /plain', requests: 9 },
      { route: 'GET /never', requests: 0, work: { ...NOTHING, runs: 1 } },
      { route: 'GET /deadline', requests: 3, work: { ...NOTHING, runs: 3 } },
      { route: 'GET /twice', requests: 10, work: { ...NOTHING, runs: 20 } },
      {
        route: 'GET /tiles',
        requests: 10,
        work: {
          runs: 20,
          tasks: 80,
          readBytes: 40960,
          declaredBytes: 10240,
          outlived: 5,
          outlivedMs: 75_000,
        },
      },
      { route: 'GET /unknown', requests: 1, work: { ...NOTHING, runs: 1, tasks: 1, readBytes: 5000 } },
      { route: 'GET /less', requests: 1, work: { ...NOTHING, runs: 1, readBytes: 50, declaredBytes: 100 } },
    ])
    t.same(amplification(report), [
      {
        route: 'GET /tiles',
        requests: 10,
        runs: 2,
        tasks: 8,
        readBytes: 4096,
        declaredBytes: 1024,
        outlived: 0.5,
        outlivedSeconds: 7.5,
        factor: 32,
      },
      { ...NONE('GET /twice', 10), runs: 2, factor: 2 },
      { ...NONE('GET /unknown', 1), tasks: 1, readBytes: 5000 },
      { ...NONE('GET /less', 1), readBytes: 50, declaredBytes: 100 },
    ])
    t.equal(
      amplificationTable(report),
      [
        'route         requests  runs  tasks     read  declared  outlived  seconds  factor',
        'GET /tiles          10  2.00   8.00  4.0 KiB   1.0 KiB      0.50     7.50      32',
        'GET /twice          10  2.00      -        -         -         -        -    2.00',
        'GET /unknown         1  1.00   1.00  4.9 KiB         -         -        -    1.00',
        'GET /less            1  1.00      -  0.0 KiB   0.1 KiB         -        -    1.00',
      ].join('\n'),
    )
    t.equal(
      amplificationTable(reportOf([])),
      'route  requests  runs  tasks  read  declared  outlived  seconds  factor',
      'so that who looks sees that there is nothing',
    )
  },
)

function NONE(route: string, requests: number) {
  return {
    route,
    requests,
    runs: 1,
    tasks: 0,
    readBytes: 0,
    declaredBytes: 0,
    outlived: 0,
    outlivedSeconds: 0,
    factor: 1,
  }
}

t.test('a governor’s own report has it, and nothing of routes that do none of it', async t => {
  const governor = new Governor({ budget: '1MiB', logger: silent })
  const app = governor.listener(async (req, res) => {
    if (req.url === '/tiles') {
      const reservation = reservationOf(req)
      await fanOut([() => 1, () => 2, () => 3], { reservation })
      noteRead(reservation, 2048, 1024)
      noteRead(reservation, 2048)
      governor.countRepeated(req)
    }
    res.end('answered')
  })
  const { port, idle } = await serve(t, app, governor)
  const client = await BareClient.to(port)
  client.write(head('GET /tiles') + head('GET /tiles') + head('GET /plain'))
  await client.answers(3)
  await idle()
  await until(() => governor.report().routes.length === 2, 'both routes')
  t.same(amplification(governor.report()), [
    {
      ...NONE('GET /tiles', 2),
      runs: 2,
      tasks: 3,
      readBytes: 4096,
      declaredBytes: 1024,
      factor: 12,
    },
  ])
  t.equal(governor.stats().repeated, 2)
  client.leave()
})
