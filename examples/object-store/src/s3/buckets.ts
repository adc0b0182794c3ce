import { ObjectStoreError } from '../errors.ts'
import type { LiveFrames } from '../live-frames.ts'
import { ObjectStore } from '../object-store.ts'
import type { Storage } from '../storage.ts'
import { checkBucketName } from './names.ts'
import { S3Error } from './s3-error.ts'
import type { StorageFolders } from './storage-folders.ts'

/** Makes an object store of a storage: all of them have one master key and are counted together. */
export type StoreOf = (storage: Storage) => ObjectStore

export function storesUnder(masterKey: Buffer, liveFrames: LiveFrames): StoreOf {
  return storage => new ObjectStore(storage, masterKey, liveFrames)
}

export class Buckets {
  readonly #folders: StorageFolders
  readonly #storeOf: StoreOf

  constructor(folders: StorageFolders, storeOf: StoreOf) {
    this.#folders = folders
    this.#storeOf = storeOf
  }

  /** @throws {S3Error} `InvalidBucketName`, `BucketAlreadyOwnedByYou` */
  async create(name: string): Promise<void> {
    checkBucketName(name)
    if (await this.#folders.create(name)) return
    throw new S3Error('BucketAlreadyOwnedByYou', 'The bucket is there already')
  }

  /** @throws {S3Error} `InvalidBucketName`, `NoSuchBucket` */
  async open(name: string): Promise<ObjectStore> {
    checkBucketName(name)
    const storage = await this.#folders.open(name)
    if (storage === undefined) throw new S3Error('NoSuchBucket', 'There is no such bucket')
    return this.#storeOf(storage)
  }

  list(): Promise<{ readonly name: string; readonly created: Date }[]> {
    return this.#folders.list()
  }

  /** @throws {S3Error} `InvalidBucketName`, `NoSuchBucket`, `BucketNotEmpty` */
  async delete(name: string): Promise<void> {
    await this.open(name)
    if (await this.#folders.removeEmpty(name)) return
    throw new S3Error('BucketNotEmpty', 'The bucket has objects')
  }
}

/** What is not there S3 calls deleted. */
export async function deleteIfThere(store: ObjectStore, key: string): Promise<void> {
  try {
    await store.delete(key)
  } catch (error) {
    if (!(error instanceof ObjectStoreError && error.code === 'ERR_OBJECT_NOT_FOUND')) throw error
  }
}
