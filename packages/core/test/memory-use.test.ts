import { readdirSync } from 'node:fs'
import t, { type Test } from 'tap'
import { limitingCgroup } from '../src/memory-limit.ts'
import { MemoryUse, memoryUse } from '../src/memory-use.ts'

const MIB = 2 ** 20
const V2_STAT = `anon ${100 * MIB}
file ${300 * MIB}
kernel ${30 * MIB}
kernel_stack ${1 * MIB}
pagetables ${2 * MIB}
percpu ${3 * MIB}
sock ${5 * MIB}
shmem ${7 * MIB}
inactive_anon ${999 * MIB}
slab_reclaimable ${10 * MIB}
slab ${14 * MIB}
`

/** A root folder with a cgroup of version 2 in it, of which the limit is that of the pod around it. */
function v2(t: Test, stat: string, pressure?: string): string {
  return t.testdir({
    proc: { self: { cgroup: '0::/pod/app\n' } },
    sys: {
      fs: {
        cgroup: {
          pod: {
            'memory.max': `${512 * MIB}\n`,
            'memory.stat': stat,
            ...(pressure === undefined ? {} : { 'memory.pressure': pressure }),
            app: { 'memory.max': 'max\n', 'memory.stat': `anon ${MIB}\n` },
          },
        },
      },
    },
  })
}

function v1(t: Test, files: Record<string, string>): string {
  return t.testdir({
    proc: { self: { cgroup: '4:memory:/pod/app\n' } },
    sys: {
      fs: {
        cgroup: {
          memory: {
            'memory.limit_in_bytes': '9223372036854771712\n',
            pod: { 'memory.limit_in_bytes': `${512 * MIB}\n`, ...files },
            app: {},
            'memory.stat': 'hierarchical_memory_limit 9223372036854771712\n',
          },
        },
      },
    },
  })
}

t.test('v2: what cannot be given back of the cgroup that has the limit, without page cache', async t => {
  t.same(new MemoryUse(v2(t, V2_STAT)).read(), {
    usedBytes: (100 + 30 + 5 + 7 - 10) * MIB,
    limitBytes: 512 * MIB,
    stalled: 0,
  })
})

t.test('v2: before Linux 5.18 the kernel’s memory is a sum', async t => {
  const stat = V2_STAT.replace(/^kernel \d+\n/m, '')
  t.equal(new MemoryUse(v2(t, stat)).read().usedBytes, (100 + 1 + 2 + 3 + 14 + 5 + 7 - 10) * MIB)
})

t.test('v2: how long somebody waited for memory, where the kernel tells', async t => {
  const pressure =
    'some avg10=12.50 avg60=1.00 avg300=0.00 total=5\nfull avg10=99.00 avg60=0.00 avg300=0.00 total=0\n'
  t.equal(new MemoryUse(v2(t, V2_STAT, pressure)).read().stalled, 0.125)
  t.equal(new MemoryUse(v2(t, V2_STAT, '')).read().stalled, 0)
})

t.test('v1: what cannot be given back of the cgroup that has the limit', async t => {
  const root = v1(t, {
    'memory.stat': `cache ${300 * MIB}\nrss ${MIB}\nhierarchical_memory_limit ${512 * MIB}\ntotal_cache 5\ntotal_rss ${100 * MIB}\n`,
    'memory.kmem.usage_in_bytes': `${20 * MIB}\n`,
    'memory.kmem.tcp.usage_in_bytes': `${3 * MIB}\n`,
  })
  t.match(limitingCgroup(root).folder, /memory\/pod$/)
  t.same(new MemoryUse(root).read(), { usedBytes: 123 * MIB, limitBytes: 512 * MIB, stalled: 0 })
})

t.test('v1: a kernel that does not count its own memory', async t => {
  const root = v1(t, {
    'memory.stat': `total_rss ${100 * MIB}\nhierarchical_memory_limit ${512 * MIB}\n`,
  })
  t.equal(new MemoryUse(root).read().usedBytes, 100 * MIB)
})

t.test('where no cgroup tells, it is what is resident of this process', async t => {
  for (const root of [t.testdir(), v2(t, '')]) {
    const { usedBytes, limitBytes } = new MemoryUse(root).read()
    t.ok(usedBytes > 10 * MIB && usedBytes < limitBytes, `${usedBytes}`)
  }
})

t.test('a cgroup that is gone is none', async t => {
  // The kernel answers ENODEV; a folder under the same name answers a read with EISDIR.
  const root = t.testdir({
    proc: { self: { cgroup: '0::/\n' } },
    sys: { fs: { cgroup: { 'memory.max': `${512 * MIB}\n`, 'memory.stat': {} } } },
  })
  t.ok(new MemoryUse(root).read().usedBytes > 10 * MIB)
})

t.test('each reading is of now', async t => {
  const before = memoryUse().read()
  const held = Buffer.alloc(64 * MIB, 1)
  const after = memoryUse().read()
  t.ok(after.usedBytes - before.usedBytes > 32 * MIB, `${(after.usedBytes - before.usedBytes) / MIB} MiB`)
  t.equal(held.length, 64 * MIB)
})

t.test('to look again opens nothing', async t => {
  memoryUse().read()
  const open = (): number => readdirSync('/proc/self/fd').length
  const before = open()
  for (let n = 0; n < 100; n++) memoryUse().read()
  t.equal(open(), before)
})

t.test('what sockets hold of it, where somebody counts them', async t => {
  const limit = { 'memory.stat': `hierarchical_memory_limit ${512 * MIB}\n` }
  const counter = 'memory.kmem.tcp.usage_in_bytes'
  for (const [name, rootOf, bytes] of [
    ['v2', (t: Test) => v2(t, V2_STAT), 5 * MIB],
    ['v2, none', (t: Test) => v2(t, V2_STAT.replace(/sock \d+/, 'sock 0')), undefined],
    ['v2, of an old kernel', (t: Test) => v2(t, `anon ${MIB}\n`), undefined],
    ['v1', (t: Test) => v1(t, { ...limit, [counter]: `${MIB}\n` }), MIB],
    ['v1, where they are not limited', (t: Test) => v1(t, { ...limit, [counter]: '0\n' }), undefined],
    ['v1, without a counter', (t: Test) => v1(t, limit), undefined],
    ['no cgroup', (t: Test) => t.testdir(), undefined],
  ] as const)
    await t.test(name, async t => {
      t.equal(new MemoryUse(rootOf(t)).inSockets(), bytes)
    })
})
