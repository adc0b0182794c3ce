import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { CgroupVersion } from './cgroup-cage.ts'
import type { CgroupHierarchy } from './cgroup-hierarchy.ts'
import { parseFlatKeyed } from './flat-keyed.ts'

/** @see https://docs.kernel.org/admin-guide/cgroup-v2.html */
export const cgroupV2: CgroupVersion = {
  kind: 'cgroup v2',

  // Upwards from where we stand: our own cgroup holds processes (us), so it cannot hand controllers
  // to children ("no internal processes"), while the one above it in a delegated sub-tree can, and
  // a process may only be moved within the sub-tree that it was delegated.
  parents({ mountPoint, ownDirectory }: CgroupHierarchy) {
    const parents = [mountPoint]
    for (let at = ownDirectory; at.length > mountPoint.length; at = dirname(at)) parents.splice(-1, 0, at)
    return parents
  },

  enable(parent) {
    if (!lists(parent, 'cgroup.controllers', 'memory')) {
      throw new Error(`the memory controller is not available in ${parent}`)
    }
    const subtreeControl = join(parent, 'cgroup.subtree_control')
    if (lists(parent, 'cgroup.subtree_control', 'memory')) return undefined
    writeFileSync(subtreeControl, '+memory')
    return () => writeFileSync(subtreeControl, '-memory')
  },

  limit(directory, limitBytes) {
    writeFileSync(join(directory, 'memory.max'), String(limitBytes))
    // Absent where the kernel has no swap: then there is nothing to turn off.
    const swap = join(directory, 'memory.swap.max')
    if (existsSync(swap)) writeFileSync(swap, '0')
    // As Kubernetes does: a container dies whole.
    const group = join(directory, 'memory.oom.group')
    if (existsSync(group)) writeFileSync(group, '1')
  },

  read(directory) {
    const stat = parseFlatKeyed(readFileSync(join(directory, 'memory.stat'), 'utf8'))
    return {
      anonBytes: stat.get('anon') ?? Number.NaN,
      kernelBytes: stat.get('kernel') ?? kernelBeforeLinux518(stat),
      socketBytes: stat.get('sock') ?? 0,
    }
  },

  kills(directory) {
    const events = parseFlatKeyed(readFileSync(join(directory, 'memory.events'), 'utf8'))
    return events.get('oom_kill') ?? 0
  },
}

/** `kernel`, the sum of these and more, came with Linux 5.18. Sockets are in neither. */
function kernelBeforeLinux518(stat: ReadonlyMap<string, number>): number {
  return ['kernel_stack', 'pagetables', 'percpu', 'slab'].reduce((sum, key) => sum + (stat.get(key) ?? 0), 0)
}

function lists(directory: string, file: string, controller: string): boolean {
  return readFileSync(join(directory, file), 'utf8').trim().split(' ').includes(controller)
}
