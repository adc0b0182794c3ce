import { join } from 'node:path'
import { chooseBudget, connectionsFor, memoryLimit, waitersBeside } from '@plimsoll/core'
import t, { type Test } from 'tap'
import type { Advice } from '../src/advice.ts'
import { printed } from './fixtures/plimsoll.ts'
import { report, route, spread } from './fixtures/report.ts'

const MIB = 2 ** 20

t.setTimeout(300_000)

/** What the command says as JSON. */
async function advised(t: Test, line: string, given?: ReturnType<typeof report>): Promise<Advice> {
  const from =
    given === undefined ? [] : ['--report', join(t.testdir({ report: JSON.stringify(given) }), 'report')]
  return JSON.parse(await printed(t, 'advise', '--json', ...line.split(' '), ...from))
}

const codes = ({ warnings }: Advice): string[] => warnings.map(({ code }) => code)

const uploads = route('PUT /objects/:key', {
  requests: 30,
  reservedBytes: spread(16 * MIB),
  heldMs: spread(2000),
})
const lists = route('GET /objects', { requests: 970, heldMs: spread(0.5) })

t.test('what is advised is what a governor would choose in that container by itself', async t => {
  const limit = { bytes: 512 * MIB, source: 'cgroup v2' } as const
  const { bytes } = chooseBudget(limit, 90 * MIB)
  const advice = await advised(t, '--limit 512MiB --idle 90MiB')
  t.match(advice, {
    budget: { bytes, arithmetic: '(512MiB - 90MiB idle - 64MiB floating) / 2 = 179MiB' },
    connections: { limit: connectionsFor(bytes) },
    queue: { limit: waitersBeside(bytes), timeoutMs: 30_000 },
    containerLimit: { bytes: limit.bytes },
    haproxy: { queueTimeoutMs: 30_000 },
    swap: { helps: false },
    warnings: [],
  })
  t.notOk('maxconn' in advice.haproxy, 'which nobody can know without the size of a request')
})

t.test('the flag for the heap leaves out what it does not cover', async t => {
  const { maxOldSpaceSize } = await advised(t, '--limit 512MiB --idle 80MiB')
  const planned = 0.85 * 512 - 64 - 48
  t.match(maxOldSpaceSize, { buffers: Math.floor(planned - 184), parsed: Math.floor(planned) })
  t.equal(
    maxOldSpaceSize.arithmetic.split(', ')[0],
    '0.85 x 512MiB - 64MiB floating - 48MiB native - 184MiB budget',
  )
  const small = await advised(t, '--limit 200MiB')
  t.notOk('buffers' in small.maxOldSpaceSize, 'and is left out where that leaves no heap')
  t.equal(small.maxOldSpaceSize.parsed, 58)
})

t.test('with no options it is about where it runs', async t => {
  const stdout = await printed(t, 'advise')
  const { source } = memoryLimit()
  t.match(stdout, `(${source}, here)`)
  t.equal(stdout.includes('WARNING: There is no container limit'), source === 'machine')
  t.match(stdout, 'an\nassumption: --idle or --report says better')
  t.match(stdout, 'HAProxy: maxconn not known, of each server\n')
})

t.test('a report tells limit, idle memory, budget and what a request holds', async t => {
  const advice = await advised(t, '--workers 1', report([uploads, lists]))
  t.match(advice, {
    sizing: { limit: { bytes: 512 * MIB, from: 'cgroup v2, of the report' }, idle: { bytes: 96 * MIB } },
    budget: { bytes: 80 * MIB, arithmetic: /^by the report; the limit carries .* = 176MiB$/ },
    containerLimit: { bytes: (96 + 64 + 2 * 80) * MIB },
    warnings: [],
  })
  // Nearly all the time it is an upload that is under way, though there are few.
  t.equal(advice.haproxy.maxconn, 5)
  t.match(advice.haproxy.arithmetic, /^80MiB \/ 15\.9MiB a request$/)
  t.equal(advice.queue.limit, waitersBeside(80 * MIB), 'as many as memory carries')
})

t.test('a queue is no longer than what can be served before its time-out', async t => {
  const slow = route('PUT /slow', { reservedBytes: spread(20 * MIB), heldMs: spread(10_000) })
  const { queue } = await advised(t, '--pods 1', report([slow]))
  t.equal(queue.limit, 12, 'four at a time, three times')
  t.match(queue.arithmetic, 'as many as are served in time: 80MiB / 20MiB a request x 30s / 10s')
})

t.test('maxconn is no more than can wait beside large requests, and as many as all workers take', async t => {
  const mixed = route('PUT /mixed', { reservedBytes: spread(1024, 16 * MIB), heldMs: spread(5) })
  const { haproxy, queue } = await advised(t, '--workers 2 --limit 1GiB', report([mixed]))
  t.equal(haproxy.maxconn, 2 * (5 + queue.limit))
  t.match(haproxy.arithmetic, /^2 workers x \(80MiB \/ 16MiB a large one \+ 320 that wait\), fewer than /)
  const small = await advised(t, '--limit 512MiB --request-size 1024', report([mixed]))
  t.equal(small.haproxy.maxconn, 5120, 'nor more than connections')
})

t.test('a report that held nothing does not tell what a request holds', async t => {
  t.notOk('maxconn' in (await advised(t, '--pods 1', report([lists]))).haproxy)
})

t.test('workers share the limit, and each has a budget of its own', async t => {
  const advice = await advised(t, '--limit 1GiB --idle 96MiB --workers 2 --request-size 16MiB')
  t.match(advice, {
    budget: { bytes: 176 * MIB, arithmetic: '(1GiB / 2 - 96MiB idle - 64MiB floating) / 2 = 176MiB' },
    containerLimit: { bytes: 1024 * MIB, arithmetic: /^2 x \(/ },
    haproxy: { maxconn: 22, arithmetic: '2 workers x 176MiB / 16MiB a request' },
  })
})

t.test('a container that is too small for anything is told so, and what would do', async t => {
  const advice = await advised(t, '--limit 128MiB --request-size 16MiB')
  t.strictSame(codes(advice), ['limit-too-small', 'request-over-budget'])
  t.equal(advice.budget.arithmetic, '128MiB / 16 = 8MiB')
  t.equal(advice.haproxy.maxconn, 1)
  t.match(advice.swap, { helps: true, because: /^80MiB of 128MiB is idle/ })
  const enough = `--limit ${advice.containerLimit.bytes / MIB}MiB --request-size 16MiB`
  t.strictSame(codes(await advised(t, enough)), [])
})

t.test('a budget that is given is compared with what is left for it', async t => {
  t.strictSame(codes(await advised(t, '--limit 512MiB --idle 80MiB --budget 184MiB')), [])
  t.strictSame(codes(await advised(t, '--limit 512MiB --idle 80MiB --budget 200MiB')), ['budget-over-half'])
  const killed = await advised(t, '--limit 512MiB --idle 80MiB --budget 400MiB')
  t.strictSame(codes(killed), ['budget-over-limit'])
  t.match(killed.budget.arithmetic, /^by --budget; the limit carries /)
  t.equal(killed.containerLimit.bytes, (80 + 64 + 2 * 400) * MIB)
  const both = await advised(t, '--limit 96MiB --idle 80MiB --budget 64MiB')
  t.match(both.warnings[1], { code: 'budget-over-limit', text: /there is 0B left/ })
})

t.test('a report that asks for more than the limit carries is told what would carry it', async t => {
  const advice = await advised(t, '--limit 256MiB', report([uploads]))
  t.strictSame(codes(advice), ['report-over-budget'])
  t.match(advice, { budget: { bytes: 48 * MIB }, containerLimit: { bytes: 320 * MIB } })
})

t.test('limits and reservations that add up to more than the host has are told', async t => {
  const fits = await advised(t, '--limit 512MiB --pods 4 --host 2GiB')
  t.strictSame(codes(fits), [])
  const limits = await advised(t, '--limit 512MiB --pods 4 --node-memory 1.5GiB')
  t.strictSame(codes(limits), ['limits-over-host'])
  t.match(limits.warnings[0]?.text, '4 pods of 512MiB are 2GiB of 1.5GiB')
  t.match(limits.warnings[0]?.text, '384MiB each would fit, or 3 pods.')
  t.match(limits.swap.because, 'Nor does it mend limits beyond the host.')
  const reserved = await advised(t, '--limit 512MiB --pods 4 --host 1GiB')
  t.strictSame(codes(reserved), ['limits-over-host', 'reservations-over-host'])
  const asked = await advised(t, '--limit 200MiB --pods 5 --host 1GiB', report([uploads]))
  t.strictSame(codes(asked), ['report-over-budget', 'asked-over-host'])
})

t.test('as text each figure has its arithmetic in the line below, and warnings are last', async t => {
  const stdout = await printed(
    t,
    ...'advise --limit 128MiB --pods 2 --host 200MiB --request-size 4MiB'.split(' '),
  )
  t.match(stdout, /^For 2 containers with a limit of 128MiB \(--limit\), 1 process/)
  t.match(stdout, /\nbudget: '8MiB'\n {4}128MiB \/ 16 = 8MiB\n/)
  t.match(stdout, /\nconnections: 1024\n {4}8MiB \/ 16KiB a connection, at least 1,024\n/)
  t.match(stdout, /\nno --max-old-space-size .*\nno --max-old-space-size .*\n {4}0\.85 x /)
  t.match(stdout, /\nHAProxy: maxconn 2, of each server\n {4}8MiB \/ 4MiB a request\n/)
  t.match(stdout, /\nswap: helps a little\n/)
  t.match(stdout, /\nWARNING: 128MiB for a process is too small(.|\n)*\nWARNING: Limits add up/)
  t.ok(stdout.split('\n').every(line => line.length <= 100))
  t.match(await printed(t, 'advise', '--limit', '512MiB'), '\n--max-old-space-size=139 where')
})

t.test('a report that cannot be read ends it', async t => {
  await t.rejects(printed(t, 'advise', '--report', t.testdir()), /it is a folder/)
})
