import type { SealedFrame } from './frame-layout.ts'
import type { ObjectHeader } from './object-header.ts'

/** Keeps sealed objects. It sees neither the master key nor plaintext, and is not trusted with them. */
export interface Storage {
  create(header: ObjectHeader): Promise<Upload>
  open(key: string): Promise<StoredObject | undefined>
  list(): AsyncIterable<ObjectHeader>
  /** @returns whether there was such an object */
  delete(key: string): Promise<boolean>
}

/** An object that nobody sees before its commit. */
export interface Upload {
  /** Resolves when the frame is stored and can be dropped: await it before the next one is made. */
  append(frame: SealedFrame): Promise<void>
  /**
   * Replaces an older object at once; whoever reads that one goes on reading it.
   *
   * @returns whether the key is new
   */
  commit(): Promise<boolean>
  /** Leaves no trace, even of a commit that failed. */
  discard(): Promise<void>
}

export interface StoredObject {
  readonly header: ObjectHeader
  /** A frame may be overwritten by the next one that is read: use it up first. */
  readFrame(index: number): Promise<SealedFrame>
  /** Any number of calls. */
  close(): Promise<void>
}
