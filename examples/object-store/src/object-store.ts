import type { Readable } from 'node:stream'
import { ObjectStoreError } from './errors.ts'
import { FrameCipher } from './frame-cipher.ts'
import { FRAME_BYTES, frameCount } from './frame-layout.ts'
import { FrameWriter } from './frame-writer.ts'
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

  /**
   * @param attributes text that is kept with the object and authenticated with it, in the clear
   * @returns whether the key is new
   */
  async put(key: string, body: Buffer, attributes = ''): Promise<boolean> {
    const frames = frameCount(body.length)
    this.#liveFrames.enter(frames)
    try {
      return await this.#upload(createHeader(key, body.length, attributes), body)
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

  /** @param range bytes from `start` up to and without `end`; default: all */
  read(object: StoredObject, range?: { readonly start: number; readonly end: number }): Readable {
    const cipher = new FrameCipher(this.#masterKey, object.header)
    return new PlaintextStream(object, cipher, this.#liveFrames, range)
  }

  /**
   * Makes one object of several, each opened when its turn has come. Holds no more than four frames: of what
   * is read, ciphertext and plaintext, and of what is written the same.
   *
   * @param bytes of all of them together
   * @throws {ObjectStoreError} `ERR_OBJECT_CORRUPT` where they have more or fewer; nothing is stored then
   */
  async join(
    key: string,
    bytes: number,
    attributes: string,
    openings: Iterable<() => Promise<StoredObject>>,
  ): Promise<void> {
    const header = createHeader(key, bytes, attributes)
    const upload = await this.#storage.create(header)
    const writer = new FrameWriter(upload, new FrameCipher(this.#masterKey, header), bytes)
    this.#liveFrames.enter(1)
    try {
      for (const open of openings) {
        for await (const plaintext of this.read(await open())) await writer.write(plaintext)
      }
      await writer.end()
      await upload.commit()
    } catch (error) {
      await upload.discard()
      throw error
    } finally {
      this.#liveFrames.leave(1)
    }
  }

  /** What stands before each object, not authenticated. */
  headers(): AsyncIterable<ObjectHeader> {
    return this.#storage.list()
  }

  async list(): Promise<{ key: string; bytes: number }[]> {
    const objects: { key: string; bytes: number }[] = []
    for await (const { key, bytes } of this.headers()) objects.push({ key, bytes })
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
