import t from 'tap'
import { ask } from '../budget/ask.ts'
import { askAll } from '../budget/ask-all.ts'
import { renderBudgetChart } from '../budget/budget-chart.ts'
import { type BudgetRun, cellAt, cellsOf, flatness, overBestPeer } from '../budget/budget-result.ts'
import { budgetTable } from '../budget/budget-table.ts'
import { contenderNamed, contenders } from '../budget/contenders.ts'
import { cancel, free, mixed, waiting } from '../budget/rounds.ts'

for (const contender of contenders) {
  t.test(`${contender.name} gives each of its waiters a turn, and its room back`, async t => {
    const semaphore = contender.make(2_048, 1_024, 4)
    await semaphore.fill()
    const done: number[] = []
    const turns = [1, 2, 3].map(turn => semaphore.turn(1_024).then(() => done.push(turn)))
    await new Promise(setImmediate)
    t.strictSame(done, [], 'there is no room')
    semaphore.open()
    await Promise.all(turns)
    t.strictSame(done, [1, 2, 3])
    await semaphore.turn(1_024)
  })

  t.test(`${contender.name} has a figure for each question that is asked of it`, async t => {
    const rounds = [
      await free(contender, 10),
      await waiting(contender, 10),
      contender.cancels ? await cancel(contender, 10) : {},
      contender.weighs ? await mixed(contender, 10) : {},
    ]
    for (const round of rounds) {
      for (const [figure, nanoseconds] of Object.entries(round)) t.ok(nanoseconds > 0, figure)
    }
    t.equal('pair' in (rounds[0] ?? {}), contender.synchronous)
  })
}

for (const { name, make } of contenders.filter(({ cancels }) => cancels)) {
  t.test(`who leaves the queue of ${name} is granted nothing`, async t => {
    const semaphore = make(1_024, 1_024, 2)
    await semaphore.fill()
    const leaver = new AbortController()
    const left = semaphore.turn(1_024, leaver.signal)
    const stays = semaphore.turn(1_024)
    leaver.abort(new Error('gone'))
    await t.rejects(left, { message: 'gone' })
    semaphore.open()
    await stays
  })
}

t.test('in short: one process for each, and what is told of them', async t => {
  const run = await askAll({
    contenders: [contenderNamed('ByteBudget'), contenderNamed('async-sema')],
    questions: ['waiting'],
    most: 10,
    processes: 1,
    seconds: 0.01,
    limitSeconds: 60,
  })
  t.strictSame(run.stopped, [])
  for (const contender of ['ByteBudget', 'async-sema']) {
    for (const waiters of [1, 10])
      t.ok((cellAt(run, contender, 'grant', waiters)?.nanoseconds.median ?? 0) > 0)
  }
  t.match(budgetTable(run), 'a grant, from one release to the next, 10 waiting')
  t.match(renderBudgetChart(run), 'ByteBudget')
})

t.test('who is too slow is stopped, and said to be', async t => {
  const slow = await ask('bottleneck', 'waiting', [100_000], { seconds: 0.01, limitSeconds: 2 })
  t.strictSame(slow, { rounds: [], stoppedAt: 100_000 })
  await t.rejects(ask('nobody', 'waiting', [1], { seconds: 0.01, limitSeconds: 60 }), /nobody ended with 1/)
})

t.test(
  'a figure is the median of its process, its spread that of all, and peers are compared with by the best',
  async t => {
    const rounds = (...values: number[]) => ({
      rounds: values.map(grant => ({ length: 1_000, round: { grant } })),
      stoppedAt: undefined,
    })
    const cells = [
      ...cellsOf('ByteBudget', [rounds(1, 2, 30), rounds(4), { rounds: [], stoppedAt: 1_000 }]),
      ...cellsOf('async-sema', [rounds(6)]),
      ...cellsOf('p-queue', [rounds(12)]),
    ]
    const machine = { node: 'v20', system: 'linux', cores: 2, processor: 'any', memoryBytes: 1 }
    const run: BudgetRun = {
      measuredAt: '',
      machine,
      processes: 2,
      limitSeconds: 10,
      cells: [...cells, { ...(cells[0] as (typeof cells)[0]), waiters: 10_000 }],
      stopped: [{ contender: 'p-queue', question: 'waiting', waiters: 10_000 }],
    }
    t.strictSame(cellAt(run, 'ByteBudget', 'grant', 1_000)?.nanoseconds, {
      median: 3,
      lowest: 2,
      highest: 4,
      count: 2,
    })
    t.equal(overBestPeer(run, 'grant', 1_000), 0.5)
    t.equal(overBestPeer(run, 'grant', 10_000), undefined)
    t.equal(flatness(run, 'ByteBudget', 'grant', 1_000), 1)
    t.match(budgetTable(run), 'p-queue, one size: stopped at 10,000 waiting')
  },
)
