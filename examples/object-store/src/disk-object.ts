import type { FileHandle } from 'node:fs/promises'
import { ObjectStoreError } from './errors.ts'
import { FRAME_BYTES, frameBytes, frameCount, type SealedFrame, TAG_BYTES } from './frame-layout.ts'
import { MAX_HEADER_BYTES, type ObjectHeader, parseHeader } from './object-header.ts'
import type { StoredObject } from './storage.ts'

/**
 * Takes over `handle`. An open file stays readable when its name is deleted or given to another, so a
 * download outlives the object's replacement.
 *
 * @throws {ObjectStoreError} `ERR_OBJECT_CORRUPT`, with the handle closed
 */
export async function openDiskObject(handle: FileHandle): Promise<StoredObject> {
  try {
    const start = Buffer.alloc(MAX_HEADER_BYTES)
    const header = parseHeader(start.subarray(0, await readFully(handle, start, 0)))
    const { size } = await handle.stat()
    if (size !== header.encoded.length + header.bytes + frameCount(header.bytes) * TAG_BYTES) {
      throw new ObjectStoreError('ERR_OBJECT_CORRUPT', 'The stored object has lost or gained bytes')
    }
    return new DiskObject(handle, header)
  } catch (error) {
    await handle.close()
    throw error
  }
}

class DiskObject implements StoredObject {
  readonly header: ObjectHeader
  readonly #handle: FileHandle
  #buffer: Buffer | undefined

  constructor(handle: FileHandle, header: ObjectHeader) {
    this.#handle = handle
    this.header = header
  }

  async readFrame(index: number): Promise<SealedFrame> {
    // One buffer for all frames: a fresh one each leaves 8 MiB a frame to a collector that is in no hurry.
    this.#buffer ??= Buffer.allocUnsafeSlow(frameBytes(this.header.bytes, 0) + TAG_BYTES)
    const bytes = frameBytes(this.header.bytes, index)
    const frame = this.#buffer.subarray(0, bytes + TAG_BYTES)
    const position = this.header.encoded.length + index * (FRAME_BYTES + TAG_BYTES)
    if ((await readFully(this.#handle, frame, position)) < frame.length) {
      throw new ObjectStoreError('ERR_OBJECT_CORRUPT', 'The stored object was cut while it was read')
    }
    return { ciphertext: frame.subarray(0, bytes), tag: frame.subarray(bytes) }
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

/** A single read may stop short of what is there. @returns the bytes read, fewer only at the file's end */
async function readFully(handle: FileHandle, into: Buffer, position: number): Promise<number> {
  let filled = 0
  while (filled < into.length) {
    const { bytesRead } = await handle.read(into, filled, into.length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}
