import { join } from 'node:path'
import { KernelFile } from './kernel-file.ts'
import { type LimitingCgroup, limitingCgroup } from './memory-limit.ts'

/**
 * What a container holds now.
 *
 * @internal
 */
export interface MemoryReading {
  /** Bytes that it cannot give back: anonymous, kernel and socket memory, without the page cache. */
  readonly usedBytes: number
  readonly limitBytes: number
  /** Part of the last ten seconds, 0 to 1, in which somebody waited for memory (PSI); 0 where nobody tells. */
  readonly stalled: number
}

/**
 * What the container cannot give back, as cheap to ask as a look ten times a second has to be: the files of the cgroup
 * that has the limit stay open. Where there is none, or it tells nothing, what is resident of this process.
 *
 * @internal
 */
export class MemoryUse {
  readonly #limitBytes: number
  readonly #read: () => number
  readonly #readSockets: () => number | undefined
  readonly #pressure: KernelFile | undefined

  /** @param root where `/proc` and `/sys` are found, for tests */
  constructor(root = '/') {
    const cgroup = limitingCgroup(root)
    this.#limitBytes = cgroup.bytes
    this.#read = readerOf(cgroup)
    this.#readSockets = socketsReaderOf(cgroup)
    if (cgroup.folder !== undefined && cgroup.source === 'cgroup v2')
      this.#pressure = new KernelFile(join(cgroup.folder, 'memory.pressure'))
  }

  read(): MemoryReading {
    // Not a number where the files of the cgroup have gone, or say something else.
    const usedBytes = this.#read() || process.memoryUsage.rss()
    return { usedBytes, limitBytes: this.#limitBytes, stalled: this.#stalled() }
  }

  /** What of that its sockets hold; undefined where nobody tells. */
  inSockets(): number | undefined {
    return this.#readSockets()
  }

  #stalled(): number {
    const percent = /\nsome avg10=([\d.]+)/.exec(this.#pressure?.read() ?? '')?.[1]
    return percent === undefined ? 0 : Number(percent) / 100
  }
}

function readerOf({ source, folder }: LimitingCgroup): () => number {
  if (folder === undefined) return () => 0
  const stat = new KernelFile(join(folder, 'memory.stat'))
  if (source === 'cgroup v2') return () => usedOfV2(stat.read())
  const kernel = new KernelFile(join(folder, 'memory.kmem.usage_in_bytes'))
  const sockets = new KernelFile(join(folder, 'memory.kmem.tcp.usage_in_bytes'))
  // A file that is not there says 0.
  return () => figure(stat.read(), 'total_rss') + Number(kernel.read()) + Number(sockets.read())
}

function socketsReaderOf({ source, folder }: LimitingCgroup): () => number | undefined {
  if (folder === undefined) return () => undefined
  if (source === 'cgroup v2') {
    const stat = new KernelFile(join(folder, 'memory.stat'))
    // With `cgroup.memory=nosocket` nobody counts them.
    return () => figure(stat.read(), 'sock') || undefined
  }
  const sockets = new KernelFile(join(folder, 'memory.kmem.tcp.usage_in_bytes'))
  // Where they are not limited nobody counts them.
  return () => Number(sockets.read()) || undefined
}

/** Shared memory counts as cache, but without swap nobody can take it back; slab is in part a cache. */
function usedOfV2(stat: string): number {
  // `kernel`, the sum of the others and more, came with Linux 5.18.
  const kernel =
    figure(stat, 'kernel') ||
    figure(stat, 'kernel_stack') + figure(stat, 'pagetables') + figure(stat, 'percpu') + figure(stat, 'slab')
  const held = figure(stat, 'anon') + figure(stat, 'shmem') + figure(stat, 'sock') + kernel
  return held - figure(stat, 'slab_reclaimable')
}

/** Of a flat keyed file, `key value` a line in any order; 0 where it has none. */
function figure(stat: string, key: string): number {
  const at = stat.indexOf(`\n${key} `)
  return at === -1 ? 0 : Number.parseInt(stat.slice(at + key.length + 2, at + key.length + 24), 10)
}

let shared: MemoryUse | undefined

/**
 * The one of this process: its descriptors are opened at the first call, and kept.
 *
 * @internal
 */
export function memoryUse(): MemoryUse {
  shared ??= new MemoryUse()
  return shared
}
