import { MemoryStorage } from '../memory-storage.ts'
import type { Storage } from '../storage.ts'
import type { StorageFolders } from './storage-folders.ts'

export class MemoryFolders implements StorageFolders {
  readonly #folders = new Map<string, { readonly storage: Storage; readonly created: Date }>()

  async create(name: string): Promise<boolean> {
    if (this.#folders.has(name)) return false
    this.#folders.set(name, { storage: new MemoryStorage(), created: new Date() })
    return true
  }

  async open(name: string): Promise<Storage | undefined> {
    return this.#folders.get(name)?.storage
  }

  async list(): Promise<{ name: string; created: Date }[]> {
    return [...this.#folders].map(([name, { created }]) => ({ name, created }))
  }

  async removeEmpty(name: string): Promise<boolean> {
    for await (const _ of this.#folders.get(name)?.storage.list() ?? []) return false
    this.#folders.delete(name)
    return true
  }

  async removeAll(name: string): Promise<void> {
    this.#folders.delete(name)
  }
}
