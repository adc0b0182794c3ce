import t from 'tap'
import { planOf } from '../soak/client-plan.ts'
import { parseFinalStatus } from '../soak/final-status.ts'
import { Random } from '../soak/random.ts'
import { isClean } from '../soak/soak-result.ts'

t.test('a final status is found behind an interim one', async t => {
  t.equal(parseFinalStatus('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n'), '201')
  t.equal(parseFinalStatus('HTTP/1.1 503 Service Unavailable\r\n'), '503')
  t.equal(parseFinalStatus('HTTP/1.1 100 Continue\r\n\r\n'), undefined)
  t.equal(parseFinalStatus(''), undefined)
})

t.test('the same seed makes the same clients, another one others', async t => {
  const plans = (seed: number) => Array.from({ length: 200 }, (_, index) => planOf(seed, index))
  t.strictSame(plans(1), plans(1))
  t.notSame(plans(1), plans(2))
})

t.test('clients never send more than they declare, and of all kinds there are some', async t => {
  const plans = Array.from({ length: 2_000 }, (_, index) => planOf(7, index))
  for (const { head, body } of plans) {
    const declared = /Content-Length: (\d+)/.exec(head)?.[1]
    if (declared !== undefined && (body?.bytes ?? 0) > Number(declared)) t.fail(head)
  }
  for (const leaves of ['answered', 'reset', 'fin']) t.ok(plans.some(plan => plan.leaves === leaves))
  for (const reads of ['all', 'slowly', 'nothing']) t.ok(plans.some(plan => plan.reads === reads))
  for (const words of [/^PUT \/obj$/, /events/, /chunked/, /100-continue/, /GET \/objects\/large/]) {
    t.ok(
      plans.some(({ head }) => words.test(head)),
      String(words),
    )
  }
})

t.test('random numbers stay in their range', async t => {
  const random = new Random(3)
  const magnitudes = Array.from({ length: 1_000 }, () => random.magnitude(10, 10_000))
  t.ok(magnitudes.every(value => Number.isInteger(value) && value >= 10 && value <= 10_000))
  const below = magnitudes.filter(value => value < 100).length
  t.ok(below > 250 && below < 420, 'a third in each magnitude')
})

t.test('what is left makes a soak unclean', async t => {
  const inside = { heapUsedBytes: 60, externalBytes: 40, reservedBytes: 0, waiting: 0 }
  const run = { before: inside, after: inside, ending: { kind: 'alive' } } as const
  t.equal(isClean(run), true)
  t.equal(isClean({ ...run, after: { ...inside, externalBytes: 50 } }), true)
  t.equal(isClean({ ...run, after: { ...inside, externalBytes: 51 } }), false)
  t.equal(isClean({ ...run, after: { ...inside, reservedBytes: 1 } }), false)
  t.equal(isClean({ ...run, after: { ...inside, waiting: 1 } }), false)
  t.equal(isClean({ ...run, ending: { kind: 'does not answer' } }), false)
})
