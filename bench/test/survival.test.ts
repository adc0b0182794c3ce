import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { emptyTally } from '../flood/load/outcome.ts'
import { keepCell, readCells } from '../survival/cell-files.ts'
import type { CellResult } from '../survival/cell-result.ts'
import { configByHand } from '../survival/front.ts'
import { gzipOf, jsonOf } from '../survival/load/bodies.ts'
import { sendAll } from '../survival/load/send-all.ts'
import { cellAt, matrixOf, survivedOf } from '../survival/matrix.ts'
import { unansweredOf } from '../survival/refusal.ts'
import { rowNamed, rows } from '../survival/rows.ts'
import { writeReport } from '../survival/survival-report.ts'
import { secondsLeft, timeSaid } from '../survival/time-left.ts'
import { verdictOf } from '../survival/verdict.ts'

const MiB = 2 ** 20

t.test('a refusal is clean where its reader knows what to do; all others are told apart', async t => {
  const byStatus = {
    201: 5,
    200: 1,
    503: 2,
    413: 1,
    ECONNRESET: 3,
    EPIPE: 1,
    '503 without Retry-After': 4,
    ABORT_ERR: 1,
  }
  t.strictSame(unansweredOf(byStatus), { refused: 3, resets: 4, others: 5 })
})

t.test('a column has survived a row where it lived through each run, within the limit', async t => {
  const killed = { kind: 'killed for memory', exitCode: 137, atSeconds: 1, killer: 'cgroup v2' } as const
  const matrix = matrixOf(
    [
      cell({ column: 'nothing' }),
      cell({ column: 'nothing', run: 2, ending: killed }),
      cell({ column: 'budget' }),
      cell({ column: 'haproxy', peakBytes: 513 * MiB }),
      cell({ column: 'default', row: 'not a row any more' }),
    ],
    ['uploads'],
  )
  t.strictSame(survivedOf(matrix, 'nothing'), { survived: 0, of: 1 })
  t.strictSame(survivedOf(matrix, 'budget'), { survived: 1, of: 1 })
  t.strictSame(survivedOf(matrix, 'haproxy'), { survived: 0, of: 1 })
  t.strictSame(survivedOf(matrix, 'default'), { survived: 0, of: 0 })
  t.equal(cellAt(matrix, 'uploads', 'nothing')?.typical.run, 2, 'the run that tells')
  t.equal(cellAt(matrix, 'uploads', 'nothing')?.ratio, undefined)
})

t.test('goodput is compared with that of the same run', async t => {
  const matrix = matrixOf(
    [
      cell({ column: 'unlimited', run: 1, bytes: 10e6 }),
      cell({ column: 'unlimited', run: 2, bytes: 20e6 }),
      cell({ column: 'budget', run: 1, bytes: 15e6 }),
      cell({ column: 'budget', run: 2, bytes: 15e6 }),
      // Of a run without a reference: the median of all.
      cell({ column: 'budget', run: 3, bytes: 15e6 }),
    ],
    ['uploads'],
  )
  const ratio = cellAt(matrix, 'uploads', 'budget')?.ratio
  t.strictSame(ratio, { median: 1, lowest: 0.75, highest: 1.5, count: 3 })
})

t.test('what is asked of Plimsoll can be missed, and nothing is asked of others', async t => {
  const unlimited = cell({ column: 'unlimited', bytes: 10e6 })
  const dead = { ending: { kind: 'does not answer' } } as const
  const missed = (...cells: CellResult[]) => {
    const { lines, passed } = verdictOf(matrixOf([unlimited, ...cells], ['uploads']))
    const misses = lines.filter(line => line.startsWith('NOT MET'))
    t.equal(passed, misses.length === 0)
    return misses.length
  }
  const plimsoll = cell({ column: 'budget', bytes: 9e6 })
  t.equal(missed(plimsoll, cell({ column: 'p-limit', bytes: 10e6 })), 0)
  t.equal(missed(plimsoll, cell({ column: 'p-limit', bytes: 10.1e6 })), 1)
  t.equal(
    missed(plimsoll, cell({ column: 'p-limit', bytes: 20e6, ...dead })),
    0,
    'who is dead has done nothing',
  )
  t.equal(missed(cell({ column: 'default', ...dead })), 1)
})

t.test('what is left takes as long as its row has, or else as all have', async t => {
  const left = (...names: string[]) =>
    secondsLeft(
      names.map(row => ({ row, column: 'nothing', run: 1 }) as const),
      [
        cell({ row: 'a', tookSeconds: 4 }),
        cell({ row: 'a', tookSeconds: 6 }),
        cell({ row: 'b', tookSeconds: 20 }),
      ],
    )
  t.equal(left('a', 'a', 'b', 'c'), 5 + 5 + 20 + 6)
  t.equal(secondsLeft([{ row: 'a', column: 'nothing', run: 1 }], []), 15)
  t.equal(timeSaid(89), '89 s')
  t.equal(timeSaid(125), '2 min')
})

t.test('cells are kept one by one, and one that is measured again takes its old place', async t => {
  const folder = t.testdir()
  t.strictSame(readCells(folder), [])
  const first = cell({ column: 'haproxy', run: 1 })
  const second = cell({ column: 'haproxy', run: 2 })
  for (const kept of [second, cell({ ...first, bytes: 1 }), first]) keepCell(folder, kept)
  t.strictSame(readCells(folder), [first, second])
  t.throws(() => writeReport(t.testdir({ 'survival.json': '[]' }), rows), { message: /no cells/ })
})

t.test('bodies are what they say', async t => {
  const json = jsonOf(MiB)
  t.ok(json.length >= MiB && json.length < MiB + 1024)
  t.ok((JSON.parse(json.toString()) as unknown[]).length > 1_000)
  const gzip = gzipOf(MiB)
  t.equal(gunzipSync(gzip).length, MiB)
  t.ok(gzip.length < MiB / 4)
})

t.test(
  'HAProxy has a place for small requests in each row, and limits by address where they are of use',
  async t => {
    const where = { bind: '127.0.0.1:1', statsSocket: '/s' }
    for (const { haproxy } of rows) {
      const config = configByHand(8080, haproxy)(where)
      t.match(config, new RegExp(`server one 127.0.0.1:8080 maxconn ${haproxy.maxconn}\n`))
      t.match(config, /use_backend small/)
      t.equal(config.includes('stick-table'), haproxy.perAddress !== undefined)
    }
  },
)

t.test('who is refused comes again, and is counted each time; who is reset does not', async t => {
  let requests = 0
  const port = await listen(t, (req, res) => {
    requests++
    if (requests === 1) req.socket.resetAndDestroy()
    else req.resume().on('end', () => res.writeHead(requests === 2 ? 503 : 201, { 'retry-after': '1' }).end())
  })
  const tally = emptyTally(0)
  const sends = { kind: 'upload', bytes: 1024, objects: 1, concurrency: 1, requests: 3 } as const
  await sendAll(port, sends, tally, new AbortController().signal)
  t.match(tally, { requests: 3, answered: 2, settled: 4, byStatus: { 201: 2, 503: 1, ECONNRESET: 1 } })
})

t.test('with a time instead of a number, all that was begun is counted', async t => {
  const port = await listen(t, (req, res) => req.resume().on('end', () => res.writeHead(201).end()))
  const tally = emptyTally(0)
  const { sends } = rowNamed('small')
  const small = { ...(sends[1] as (typeof sends)[number]), concurrency: 2, forMs: 200 }
  await sendAll(port, small, tally, new AbortController().signal)
  t.ok(tally.answered > 0)
  t.equal(tally.requests, tally.settled)
})

t.test('in brief: cells of real servers, a page that needs nothing else, and no cell twice', async t => {
  const folder = t.testdir()
  const first = await runBrief(folder)
  t.match(first.said, /cell 3 of 3/)
  const results = readCells(join(folder, 'brief'))
  t.strictSame(results.map(({ column }) => column).sort(), ['budget', 'nothing', 'unlimited'])
  const governed = results.find(({ column }) => column === 'budget')
  t.match(governed, { ending: { kind: 'alive' }, requests: 48, answered: 48 })
  t.ok((governed?.prober.answered ?? 0) > 0, 'small ones beside it')
  t.equal(first.code, 0)
  const { page } = writeReport(join(folder, 'brief'), [rowNamed('uploads', true)])
  const html = readFileSync(page, 'utf8')
  t.match(html, /<svg/)
  t.notMatch(html, /<script|src=|href="http/)

  const again = await runBrief(folder)
  t.notMatch(again.said, /cell 1/)
  t.equal(again.code, 0)
})

async function runBrief(folder: string): Promise<{ code: number; said: string }> {
  const main = fileURLToPath(new URL('../survival/main.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', main, '--brief', '--out', folder])
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  const [code] = await once(child, 'close')
  return { code, said }
}

async function listen(t: Test, listener: http.RequestListener): Promise<number> {
  const server = http.createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

function cell(some: Partial<CellResult>): CellResult {
  return {
    row: 'uploads',
    column: 'nothing',
    run: 1,
    measuredAt: '2026-01-01T00:00:00.000Z',
    machine: { node: 'v20', system: 'linux', cores: 2, processor: 'p', memoryBytes: 1 },
    cage: { kind: 'cgroup v2', limitBytes: 512 * MiB },
    ending: { kind: 'alive' },
    peakBytes: 200 * MiB,
    peakOf: { anonBytes: 200 * MiB, kernelBytes: 0, socketBytes: 0 },
    tookSeconds: 5,
    seconds: 1,
    requests: 10,
    answered: 10,
    bytes: 10e6,
    byStatus: { 201: 10 },
    refused: 0,
    resets: 0,
    others: 0,
    prober: { requests: 2, answered: 2, p50Ms: 1, p99Ms: 2, mostMs: 2 },
    ...some,
  }
}
