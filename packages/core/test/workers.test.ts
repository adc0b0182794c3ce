import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Workers } from '../src/workers.ts'

const CHILDREN = 'proc/7/task/7/children'

function primaryWith(t: Test, children: string): string {
  const self = { ns: { pid: t.fixture('symlink', 'pid:[4026531836]') } }
  return t.testdir({ proc: { self, 7: { task: { 7: { children } } } } })
}

t.test(
  'they have a name that no others on the machine have: that of their primary, and where its number holds',
  async t => {
    t.equal(new Workers(7, primaryWith(t, '12 '), {}).name, 'plimsoll-pid:[4026531836]-7')
    t.equal(new Workers(7, t.testdir({}), {}).name, undefined)
  },
)

t.test('the workers of a primary are counted, as they come and go', async t => {
  const root = primaryWith(t, '12 13 14 ')
  const workers = new Workers(7, root, {})
  t.equal(workers.first, 3)
  t.equal(workers.count(), 3)
  writeFileSync(join(root, CHILDREN), '12 13 14 15 ')
  t.equal(workers.count(), 4)
  writeFileSync(join(root, CHILDREN), '13 ')
  t.equal(workers.count(), 1)
  t.equal(workers.first, 3)
})

t.test('of a primary that has ended they are as many as they were', async t => {
  const root = primaryWith(t, '12 13 14 ')
  const workers = new Workers(7, root, {})
  writeFileSync(join(root, CHILDREN), '')
  t.equal(workers.count(), 3)
})

t.test('what PM2 says it will start counts at first: it starts one after the other', async t => {
  const root = primaryWith(t, '12 ')
  const workers = new Workers(7, root, { pm_id: '0', instances: '4' })
  t.equal(workers.first, 4)
  t.equal(workers.count(), 1)
  t.equal(new Workers(7, root, { pm_id: '0' }).first, 1, 'it does not say')
  t.equal(new Workers(7, root, { instances: '4' }).first, 1, 'a variable of somebody else')
})

t.test('where nobody tells there are as many as PM2 says, or as the machine runs at once', async t => {
  const nowhere = t.testdir({})
  for (const [env, expected] of [
    [{}, availableParallelism()],
    [{ pm_id: '0', instances: '7' }, 7],
  ] as const) {
    const workers = new Workers(7, nowhere, env)
    t.equal(workers.first, expected)
    t.equal(workers.count(), expected)
  }
})
