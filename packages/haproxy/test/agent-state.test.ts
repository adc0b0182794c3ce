import t from 'tap'
import { type AgentSource, AgentState, FAR, NEAR, NEAR_MS } from '../src/agent-state.ts'

const MIB = 2 ** 20
const LIMIT = 1000
const FREE = { usedBytes: 0, limitBytes: LIMIT }
const at = (part: number) => ({ usedBytes: part * LIMIT, limitBytes: LIMIT })

/** A source whose figures a test sets; real governors are in agent-check.test.ts. */
function figures(set: { draining?: boolean; live?: boolean; stats?: object } = {}) {
  const stats = { capacity: 64 * MIB, available: 64 * MIB, active: 0, waiting: 0, ...set.stats }
  const health = { ready: true, live: set.live ?? true, reasons: [] }
  const source = { draining: set.draining ?? false, stats: () => stats, health: () => health }
  return { stats, source: source as object as AgentSource }
}

const bounds = { requestBytes: 4 * MIB, concurrency: Number.POSITIVE_INFINITY, proxies: 1 }

t.test('weight is what is free, and maxconn who is there and what fits besides', async t => {
  const { stats, source } = figures()
  const state = new AgentState(source, bounds)
  t.equal(state.answer(FREE, 0), 'up ready 100% maxconn:16')
  Object.assign(stats, { available: 32 * MIB, active: 3 })
  t.equal(state.answer(FREE, 0), 'up ready 50% maxconn:11')
  Object.assign(stats, { available: 3 * MIB, active: 20 })
  t.equal(state.answer(FREE, 0), 'up ready 5% maxconn:20')
  Object.assign(stats, { available: 8 * MIB, active: 5, waiting: 1 })
  t.equal(state.answer(FREE, 0), 'up ready 13% maxconn:6', 'nobody else, while one waits')
})

t.test('no more fit than it is to work on at once', async t => {
  const { source } = figures({ stats: { active: 2 } })
  t.equal(new AgentState(source, { ...bounds, concurrency: 3 }).answer(FREE, 0), 'up ready 100% maxconn:3')
})

t.test('neither is ever 0, which would be a drain, and no limit', async t => {
  const { source } = figures({ stats: { available: 0 } })
  t.equal(new AgentState(source, bounds).answer(FREE, 0), 'up ready 1% maxconn:1')
})

t.test('a budget of nothing has nothing free', async t => {
  const { source } = figures({ stats: { capacity: 0, available: 0 } })
  t.equal(new AgentState(source, bounds).answer(FREE, 0), 'up ready 1% maxconn:1')
})

t.test('what costs nothing lets no crowd in', async t => {
  const { source } = figures({ stats: { active: 1000 } })
  t.equal(new AgentState(source, bounds).answer(FREE, 0), 'up ready 100% maxconn:32')
})

t.test('several proxies are told a part each', async t => {
  const { source } = figures({ stats: { active: 1 } })
  t.equal(new AgentState(source, { ...bounds, proxies: 4 }).answer(FREE, 0), 'up ready 100% maxconn:5')
})

t.test('who drains, or is wedged, is sent nothing', async t => {
  for (const set of [{ draining: true }, { live: false }]) {
    t.equal(new AgentState(figures(set).source, bounds).answer(FREE, 0), 'up drain')
  }
})

t.test('near the limit nothing is sent until it is far again, not at once below the mark', async t => {
  const { stats, source } = figures({ stats: { active: 2 } })
  const state = new AgentState(source, bounds)
  t.match(state.answer(at(NEAR - 0.01), 0), /^up ready 100%/)
  t.equal(state.answer(at(NEAR), 0), 'up drain')
  t.equal(state.answer(at(FAR), 10), 'up drain', 'a reading that wavers')
  t.match(state.answer(at(FAR - 0.01), 20), /^up ready 100%/)
  t.match(state.answer(at(FAR), 30), /^up ready 100%/)
  stats.active = 0
  t.match(state.answer(at(NEAR), 40), 'up ready 1% maxconn:1', 'who is idle frees nothing by waiting')
})

t.test('memory that stays high does not latch a pod out', async t => {
  const { stats, source } = figures({ stats: { active: 2 } })
  const state = new AgentState(source, bounds)
  t.equal(state.answer(at(1), 0), 'up drain')
  t.equal(state.answer(at(1), NEAR_MS - 1), 'up drain')
  t.equal(state.answer(at(1), NEAR_MS), 'up ready 1% maxconn:2', 'no more than are there')
  stats.active = 0
  t.equal(state.answer(at(1), NEAR_MS + 1), 'up ready 1% maxconn:1')
  stats.active = 1
  t.equal(state.answer(at(1), NEAR_MS + 2), 'up ready 1% maxconn:1', 'and what it is sent does not drain it')
  t.equal(state.answer(at(0.1), NEAR_MS + 3), 'up ready 100% maxconn:17')
})
