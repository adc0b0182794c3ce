import type { Readable } from 'node:stream'
import { ObjectStoreError } from './errors.ts'
import { FrameCipher } from './frame-cipher.ts'
import { FRAME_BYTES, frameCount } from './frame-layout.ts'
import type { LiveFrames } from './live-frames.ts'
import { createHeader, type ObjectHeader } from './object-header.ts'
import { PlaintextStream } from './plaintext-stream.ts'
import type { Storage, StoredObject, Upload } from './storage.ts'

export class ObjectStore {
  readonly #storage: Storage
  readonly #masterKey: Buffer
  readonly #liveFrames: LiveFrames

  constructor(storage: Storage, masterKey: Buffer, liveFrames: LiveFrames) {
    this.#storage = storage
    this.#masterKey = masterKey
    this.#liveFrames = liveFrames
  }

  /** @returns whether the key is new */
  async put(key: string, body: Buffer): Promise<boolean> {
    const frames = frameCount(body.length)
    this.#liveFrames.enter(frames)
    try {
      return await this.#upload(createHeader(key, body.length), body)
    } finally {
      this.#liveFrames.leave(frames)
    }
  }

  /** Whoever opens an object closes it, or hands it to `read`, which does. */
  async open(key: string): Promise<StoredObject> {
    const object = await this.#storage.open(key)
    if (!object) throw notFound()
    if (object.header.key === key) return object
    await object.close()
    throw new ObjectStoreError('ERR_OBJECT_CORRUPT', 'The stored object belongs to another key')
  }

  read(object: StoredObject): Readable {
    const cipher = new FrameCipher(this.#masterKey, object.header)
    return new PlaintextStream(object, cipher, this.#liveFrames)
  }

  async list(): Promise<{ key: string; bytes: number }[]> {
    const objects: { key: string; bytes: number }[] = []
    for await (const { key, bytes } of this.#storage.list()) objects.push({ key, bytes })
    return objects
  }

  async delete(key: string): Promise<void> {
    if (!(await this.#storage.delete(key))) throw notFound()
  }

  async #upload(header: ObjectHeader, body: Buffer): Promise<boolean> {
    const cipher = new FrameCipher(this.#masterKey, header)
    const upload = await this.#storage.create(header)
    try {
      for (let index = 0; index < frameCount(body.length); index++) {
        await sealFrame(upload, cipher, index, body)
      }
      return await upload.commit()
    } catch (error) {
      await upload.discard()
      throw error
    }
  }
}

// A function of its own and no generator: the caller, suspended in its await, keeps no ciphertext reachable
// while the next one is made.
function sealFrame(upload: Upload, cipher: FrameCipher, index: number, body: Buffer): Promise<void> {
  const start = index * FRAME_BYTES
  return upload.append(cipher.seal(index, body.subarray(start, start + FRAME_BYTES)))
}

function notFound(): ObjectStoreError {
  return new ObjectStoreError('ERR_OBJECT_NOT_FOUND', 'There is no such object')
}
