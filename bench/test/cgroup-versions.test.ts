import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cgroupV1 } from '../cage/cgroup-v1.ts'
import { cgroupV2 } from '../cage/cgroup-v2.ts'
import { totalBytes } from '../cage/memory-reading.ts'

const limitBytes = 512 * 2 ** 20
const read = (...path: string[]) => readFileSync(join(...path), 'utf8')

t.test('v2 reads anonymous, kernel and socket memory, and no page cache', async t => {
  const directory = t.testdir({
    'memory.stat': 'anon 1000\nfile 900000\nkernel 200\nkernel_stack 50\npagetables 60\nsock 30\nslab 70\n',
    'memory.events': 'low 0\nhigh 0\nmax 9\noom 2\noom_kill 1\noom_group_kill 1\n',
  })
  t.equal(totalBytes(cgroupV2.read(directory)), 1230)
  t.equal(cgroupV2.kills(directory), 1)
})

t.test('v2 before Linux 5.18 adds up what makes the kernel’s memory', async t => {
  const directory = t.testdir({
    'memory.stat': 'anon 1000\nkernel_stack 50\npagetables 60\npercpu 5\nsock 30\nslab 70\n',
  })
  t.strictSame(cgroupV2.read(directory), { anonBytes: 1000, kernelBytes: 185, socketBytes: 30 })
})

t.test('v2 limits memory, leaves no swap, and dies whole', async t => {
  const directory = t.testdir({ 'memory.max': 'max', 'memory.swap.max': 'max', 'memory.oom.group': '0' })
  cgroupV2.limit(directory, limitBytes)
  t.equal(read(directory, 'memory.max'), String(limitBytes))
  t.equal(read(directory, 'memory.swap.max'), '0')
  t.equal(read(directory, 'memory.oom.group'), '1')
})

t.test('v2 looks for a parent upwards, from where it stands', async t => {
  const parents = cgroupV2.parents({ version: 2, mountPoint: '/cg', ownDirectory: '/cg/user/app/scope' })
  t.strictSame(parents, ['/cg/user/app/scope', '/cg/user/app', '/cg/user', '/cg'])
  t.strictSame(cgroupV2.parents({ version: 2, mountPoint: '/cg', ownDirectory: '/cg' }), ['/cg'])
})

t.test('v2 hands the controller down only where that is not done yet', async t => {
  const done = t.testdir({ 'cgroup.controllers': 'cpu memory pids\n', 'cgroup.subtree_control': 'memory\n' })
  t.equal(cgroupV2.enable(done), undefined)
  t.equal(read(done, 'cgroup.subtree_control'), 'memory\n')

  const open = t.testdir({ 'cgroup.controllers': 'cpu memory pids\n', 'cgroup.subtree_control': '\n' })
  const disable = cgroupV2.enable(open)
  t.equal(read(open, 'cgroup.subtree_control'), '+memory')
  disable?.()
  t.equal(read(open, 'cgroup.subtree_control'), '-memory')
})

t.test('v2 without the memory controller is refused', async t => {
  const directory = t.testdir({ 'cgroup.controllers': 'hugetlb\n', 'cgroup.subtree_control': '\n' })
  t.throws(() => cgroupV2.enable(directory), { message: /memory controller is not available/ })
})

t.test('v1 reads its three counters, and does without those a kernel lacks', async t => {
  const directory = t.testdir({
    'memory.stat': 'cache 900000\nrss 1000\nrss_huge 0\ntotal_rss 5000\n',
    'memory.kmem.usage_in_bytes': '200\n',
    'memory.kmem.tcp.usage_in_bytes': '30\n',
    'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 3\n',
  })
  t.equal(totalBytes(cgroupV1.read(directory)), 1230)
  t.equal(cgroupV1.kills(directory), 3)
  const bare = t.testdir({ 'memory.stat': 'rss 1000\n' })
  t.strictSame(cgroupV1.read(bare), { anonBytes: 1000, kernelBytes: 0, socketBytes: 0 })
})

t.test('v1 makes the kernel count sockets without limiting them', async t => {
  const directory = t.testdir({ 'memory.memsw.limit_in_bytes': '', 'memory.kmem.tcp.limit_in_bytes': '' })
  cgroupV1.limit(directory, limitBytes)
  t.equal(read(directory, 'memory.limit_in_bytes'), String(limitBytes))
  t.equal(read(directory, 'memory.memsw.limit_in_bytes'), String(limitBytes))
  t.equal(read(directory, 'memory.kmem.tcp.limit_in_bytes'), '-1')
})
