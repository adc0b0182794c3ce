import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CgroupVersion } from './cgroup-cage.ts'
import type { CgroupHierarchy } from './cgroup-hierarchy.ts'
import { parseFlatKeyed } from './flat-keyed.ts'

/** @see https://docs.kernel.org/admin-guide/cgroup-v1/memory.html */
export const cgroupV1: CgroupVersion = {
  kind: 'cgroup v1',

  // The top first, as container runtimes do: an empty cgroup there is in nobody's tree.
  parents({ mountPoint, ownDirectory }: CgroupHierarchy) {
    return [...new Set([mountPoint, ownDirectory])]
  },

  enable() {
    return undefined
  },

  limit(directory, limitBytes) {
    writeFileSync(join(directory, 'memory.limit_in_bytes'), String(limitBytes))
    // memory + swap may not be below memory, hence the order; the file exists where swap is accounted.
    const memoryAndSwap = join(directory, 'memory.memsw.limit_in_bytes')
    if (existsSync(memoryAndSwap)) writeFileSync(memoryAndSwap, String(limitBytes))
    else writeFileSync(join(directory, 'memory.swappiness'), '0')
    // v1 charges socket memory to a counter of its own, and counts only once a limit is written.
    // -1 is "no limit": it counts and never refuses. So the cage is milder on sockets than v2's.
    const tcp = join(directory, 'memory.kmem.tcp.limit_in_bytes')
    if (existsSync(tcp)) writeFileSync(tcp, '-1')
  },

  read(directory) {
    const stat = parseFlatKeyed(readFileSync(join(directory, 'memory.stat'), 'utf8'))
    return {
      anonBytes: stat.get('rss') ?? Number.NaN,
      kernelBytes: counter(directory, 'memory.kmem.usage_in_bytes'),
      socketBytes: counter(directory, 'memory.kmem.tcp.usage_in_bytes'),
    }
  },

  kills(directory) {
    const control = parseFlatKeyed(readFileSync(join(directory, 'memory.oom_control'), 'utf8'))
    return control.get('oom_kill') ?? 0
  },
}

function counter(directory: string, file: string): number {
  try {
    return Number(readFileSync(join(directory, file), 'utf8'))
  } catch {
    // A kernel built or booted without kernel memory accounting has no such file.
    return 0
  }
}
