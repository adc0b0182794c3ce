import type { Storage } from '../storage.ts'

/** Storages by names of lower-case letters, digits, dots and hyphens. */
export interface StorageFolders {
  /** @returns false where there is one already */
  create(name: string): Promise<boolean>
  open(name: string): Promise<Storage | undefined>
  list(): Promise<{ readonly name: string; readonly created: Date }[]>
  /** @returns false where something is in it; true also where there is no such folder */
  removeEmpty(name: string): Promise<boolean>
  /** With all that is in it: whoever is writing there fails or is lost. */
  removeAll(name: string): Promise<void>
}
