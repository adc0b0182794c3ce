import { createHash } from 'node:crypto'
import type { ObjectStore } from '../object-store.ts'
import type { StoredObject } from '../storage.ts'
import type { CheckedBody } from './checked-body.ts'
import { S3Error } from './s3-error.ts'

export const MAX_PARTS = 10_000

/** What an upload was begun with. */
export interface UploadRecord {
  readonly bucket: string
  readonly key: string
  /** Of the object to be. */
  readonly headers: Readonly<Record<string, string>>
}

/** A part that is stored. */
export interface Part {
  readonly number: number
  readonly bytes: number
  /** MD5 in hex. */
  readonly etag: string
}

/** One multipart upload. Its parts are objects, by their numbers. */
export class MultipartUpload {
  readonly record: UploadRecord
  readonly #store: ObjectStore

  constructor(store: ObjectStore, record: UploadRecord) {
    this.#store = store
    this.record = record
  }

  /** Replaces the part of that number, if there is one. */
  async put(number: number, body: CheckedBody): Promise<void> {
    await this.#store.put(String(number), body.bytes, body.md5)
  }

  /** By their numbers, in ascending order. */
  async parts(): Promise<Map<number, Part>> {
    const parts: Part[] = []
    for await (const { key, bytes, attributes: etag } of this.#store.headers()) {
      const number = Number(key)
      if (number > 0) parts.push({ number, bytes, etag })
    }
    return new Map(parts.sort((a, b) => a.number - b.number).map(part => [part.number, part]))
  }

  /**
   * The parts that a client has chosen for its object.
   *
   * @throws {S3Error} `InvalidPart`, `InvalidPartOrder`
   */
  async choose(wanted: readonly { readonly number: number; readonly etag: string }[]): Promise<Part[]> {
    const parts = await this.parts()
    let last = 0
    return wanted.map(({ number, etag }) => {
      const part = parts.get(number)
      if (part?.etag !== etag) throw invalidPart()
      if (number <= last) throw new S3Error('InvalidPartOrder', 'The parts are not in ascending order')
      last = number
      return part
    })
  }

  /**
   * Whoever opens a part closes it.
   *
   * @throws {S3Error} `InvalidPart` where it has been replaced since it was chosen
   */
  async open({ number, etag }: Part): Promise<StoredObject> {
    const object = await this.#store.open(String(number))
    if (object.header.attributes === etag) return object
    await object.close()
    throw invalidPart()
  }
}

/** MD5 of the parts' MD5s, and their number: not the MD5 of anything that a client has seen. */
export function multipartEtag(parts: readonly Part[]): string {
  const md5 = createHash('md5')
  for (const { etag } of parts) md5.update(etag, 'hex')
  return `${md5.digest('hex')}-${parts.length}`
}

function invalidPart(): S3Error {
  return new S3Error('InvalidPart', 'A part is not there, or is not the one with that ETag')
}
