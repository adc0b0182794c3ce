import { totalmem } from 'node:os'
import t, { type Test } from 'tap'
import { chooseBudget, FLOATING_BYTES, limitFor, memoryLimit } from '../src/memory-limit.ts'

const MIB = 2 ** 20
const UNLIMITED_V1 = '9223372036854771712'

type Files = Record<string, string>

/** A root folder with these files. */
function root(t: Test, files: Files): string {
  const tree: Record<string, unknown> = {}
  for (const [path, content] of Object.entries(files)) {
    let folder = tree
    const names = path.split('/')
    const file = names.pop() as string
    for (const name of names) {
      folder[name] ??= {}
      folder = folder[name] as Record<string, unknown>
    }
    folder[file] = content
  }
  return t.testdir(tree as Parameters<typeof t.testdir>[0])
}

function v2(path: string, limits: Record<string, string>): Files {
  const files: Files = { 'proc/self/cgroup': `0::${path}\n` }
  for (const [folder, limit] of Object.entries(limits)) {
    files[`sys/fs/cgroup${folder}/memory.max`] = `${limit}\n`
  }
  return files
}

function v1(path: string, limits: Record<string, string>): Files {
  const files: Files = {
    'proc/self/cgroup': `12:pids:/elsewhere\n4:cpu,memory:${path}\n1:name=systemd:/\n0::/\n`,
  }
  for (const [folder, limit] of Object.entries(limits)) {
    files[`sys/fs/cgroup/memory${folder}/memory.stat`] =
      `cache 4096\nhierarchical_memory_limit ${limit}\nhierarchical_memsw_limit 7\ntotal_cache 1\n`
  }
  return files
}

const CASES: Record<string, [Files, number | undefined, string]> = {
  'v2: a cgroup of its own': [v2('/app', { '/app': String(512 * MIB) }), 512, 'cgroup v2'],
  'v2: nested, the innermost is the least': [
    v2('/pod/app', { '/pod': String(900 * MIB), '/pod/app': String(512 * MIB) }),
    512,
    'cgroup v2',
  ],
  'v2: a cgroup above has a lower limit': [
    v2('/slice/pod/app', {
      '/slice': String(300 * MIB),
      '/slice/pod': String(900 * MIB),
      '/slice/pod/app': 'max',
    }),
    300,
    'cgroup v2',
  ],
  'v2: "max" all the way up': [v2('/pod/app', { '/pod': 'max', '/pod/app': 'max' }), undefined, 'machine'],
  'v2: in a namespace the mount is the cgroup itself': [v2('/', { '': String(256 * MIB) }), 256, 'cgroup v2'],
  'v2: a path that is not there, since the mount is namespaced': [
    v2('/kubepods/pod/app', { '': String(256 * MIB) }),
    256,
    'cgroup v2',
  ],
  'v2: a path outside the namespace': [v2('/../../other', { '': String(256 * MIB) }), 256, 'cgroup v2'],
  'v2: more than the machine has': [v2('/app', { '/app': String(totalmem() * 2) }), undefined, 'machine'],
  'v2: a file that says nothing': [v2('/app', { '/app': '' }), undefined, 'machine'],
  'v1: a cgroup of its own': [v1('/docker/abc', { '/docker/abc': String(512 * MIB) }), 512, 'cgroup v1'],
  'v1: its figure covers those above': [
    v1('/pod/app', { '/pod': String(999 * MIB), '/pod/app': String(512 * MIB) }),
    512,
    'cgroup v1',
  ],
  'v1: unlimited': [v1('/app', { '/app': UNLIMITED_V1 }), undefined, 'machine'],
  'v1: a path that is not there, since the mount is namespaced': [
    v1('/docker/abc', { '': String(256 * MIB) }),
    256,
    'cgroup v1',
  ],
  'v1: a statistic without the figure': [
    {
      'proc/self/cgroup': '4:memory:/app\n',
      'sys/fs/cgroup/memory/app/memory.stat': 'cache 4096\n',
      'sys/fs/cgroup/memory/memory.stat': `hierarchical_memory_limit ${256 * MIB}\n`,
    },
    256,
    'cgroup v1',
  ],
  'both, of which only v1 limits': [
    { ...v2('/app', { '/app': 'max' }), ...v1('/app', { '/app': String(128 * MIB) }) },
    128,
    'cgroup v1',
  ],
  'none at all': [{}, undefined, 'machine'],
}

for (const [name, [files, mebibytes, source]] of Object.entries(CASES)) {
  t.test(`the limit is read: ${name}`, async t => {
    const bytes = mebibytes === undefined ? totalmem() : mebibytes * MIB
    t.same(memoryLimit(root(t, files)), { bytes, source })
  })
}

t.test('the limit of this process is what a container gives, or the machine', async t => {
  const { bytes, source } = memoryLimit()
  t.ok(bytes > 0 && bytes <= totalmem(), `${bytes} by ${source}`)
})

t.test('the budget is half of what the limit leaves beside the process and what floats', async t => {
  const limit = { bytes: 64 * 1024 * MIB, source: 'cgroup v2' } as const
  const { bytes, residentBytes, roomBytes, because, ...rest } = chooseBudget(limit)
  t.same(rest, { limit })
  t.equal(roomBytes, limit.bytes - residentBytes - FLOATING_BYTES)
  t.equal(bytes, Math.floor(roomBytes / 2))
  t.match(
    because,
    /^half of what the limit of 65536 MiB \(cgroup v2\) leaves beside the \d+ MiB in use and 64 MiB that/,
  )
  t.ok(residentBytes > 10 * MIB && residentBytes < 64 * 1024 * MIB)
})

t.test('the budget is never less than a sixteenth of the limit', async t => {
  const limit = { bytes: 32 * MIB + 15, source: 'cgroup v1' } as const
  const { bytes, roomBytes, because } = chooseBudget(limit)
  t.equal(bytes, 2 * MIB, 'a process that is larger than its limit still serves')
  t.equal(roomBytes, bytes, 'one request at a time')
  t.match(because, /^a sixteenth of the limit of 32 MiB \(cgroup v1\), which leaves little beside the/)
})

t.test('the budget grows with the limit', async t => {
  let least = 0
  for (let mebibytes = 16; mebibytes <= 2 ** 16; mebibytes *= 2) {
    const { bytes } = chooseBudget({ bytes: mebibytes * MIB, source: 'cgroup v2' })
    t.ok(bytes > least && bytes < mebibytes * MIB, `${bytes} of ${mebibytes} MiB`)
    t.ok(Number.isSafeInteger(bytes))
    least = bytes
  }
})

t.test('the limit that is told for a budget is the least that carries it', async t => {
  for (const residentBytes of [40 * MIB, 80 * MIB + 1, 300 * MIB]) {
    for (const budget of [64 * MIB + 3, 184 * MIB, 2 ** 34]) {
      const bytes = limitFor(budget, residentBytes)
      t.equal(chooseBudget({ bytes, source: 'cgroup v2' }, residentBytes).bytes, budget)
      t.ok(chooseBudget({ bytes: bytes - 1, source: 'cgroup v2' }, residentBytes).bytes < budget)
    }
  }
})
