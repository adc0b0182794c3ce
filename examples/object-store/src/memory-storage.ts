import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SealedFrame } from './frame-layout.ts'
import type { ObjectHeader } from './object-header.ts'
import type { Storage, StoredObject, Upload } from './storage.ts'

/** For measuring without a disk. Bounded by nothing: what is put stays in memory until it is deleted. */
export class MemoryStorage implements Storage {
  readonly #objects = new Map<string, StoredObject>()

  async create(header: ObjectHeader): Promise<Upload> {
    const frames: SealedFrame[] = []
    return {
      append: frame => {
        frames.push(frame)
        // Encrypting a frame takes milliseconds; without a disk to wait for, others would get no turn.
        return nextTurn()
      },
      commit: async () => {
        const created = !this.#objects.has(header.key)
        this.#objects.set(header.key, new MemoryObject(header, frames))
        return created
      },
      discard: async () => {},
    }
  }

  async open(key: string): Promise<StoredObject | undefined> {
    return this.#objects.get(key)
  }

  async *list(): AsyncGenerator<ObjectHeader> {
    for (const { header } of this.#objects.values()) yield header
  }

  async delete(key: string): Promise<boolean> {
    return this.#objects.delete(key)
  }
}

class MemoryObject implements StoredObject {
  readonly header: ObjectHeader
  readonly #frames: readonly SealedFrame[]

  constructor(header: ObjectHeader, frames: readonly SealedFrame[]) {
    this.header = header
    this.#frames = frames
  }

  async readFrame(index: number): Promise<SealedFrame> {
    return this.#frames[index] as SealedFrame
  }

  async close(): Promise<void> {}
}
