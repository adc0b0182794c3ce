import { randomUUID } from 'node:crypto'
import { json } from 'node:stream/consumers'
import type { ObjectStore } from '../object-store.ts'
import type { StoreOf } from './buckets.ts'
import { MultipartUpload, type UploadRecord } from './multipart-upload.ts'
import { S3Error } from './s3-error.ts'
import type { StorageFolders } from './storage-folders.ts'

/** The one object of an upload's folder that is no part. */
const RECORD = 'upload'

/**
 * Multipart uploads that are neither completed nor aborted: each a folder with its record and its parts, as
 * encrypted as all else. None of it is in memory, however many are begun and never finished.
 */
export class MultipartUploads {
  readonly #folders: StorageFolders
  readonly #storeOf: StoreOf

  constructor(folders: StorageFolders, storeOf: StoreOf) {
    this.#folders = folders
    this.#storeOf = storeOf
  }

  /** @returns its id, which cannot be guessed */
  async create(record: UploadRecord): Promise<string> {
    const id = randomUUID()
    await this.#folders.create(id)
    const store = await this.#open(id)
    await store.put(RECORD, Buffer.from(JSON.stringify(record)))
    return id
  }

  /** @throws {S3Error} `NoSuchUpload`, also where it is one of another key */
  async open(id: string, bucket: string, key: string): Promise<MultipartUpload> {
    const store = await this.#open(id)
    const record = (await json(store.read(await store.open(RECORD)))) as UploadRecord
    if (record.bucket !== bucket || record.key !== key) throw noSuchUpload()
    return new MultipartUpload(store, record)
  }

  /** With all of its parts. */
  remove(id: string): Promise<void> {
    return this.#folders.removeAll(id)
  }

  async #open(id: string): Promise<ObjectStore> {
    const storage = /^[0-9a-f-]{36}$/.test(id) ? await this.#folders.open(id) : undefined
    if (storage === undefined) throw noSuchUpload()
    return this.#storeOf(storage)
  }
}

function noSuchUpload(): S3Error {
  return new S3Error('NoSuchUpload', 'There is no such upload')
}
