import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** Pages in a folder, each a file. */
export class Notebook {
  readonly #dir: string

  private constructor(dir: string) {
    this.#dir = dir
  }

  static async in(dir: string): Promise<Notebook> {
    await mkdir(dir, { recursive: true })
    return new Notebook(dir)
  }

  async write(name: string, content: string): Promise<void> {
    await this.#replace(name, part => writeFile(part, content))
  }

  /** Holds no more of it than a stream does at a time. */
  async writeStream(name: string, content: Readable): Promise<void> {
    await this.#replace(name, part => pipeline(content, createWriteStream(part)))
  }

  /** Rejects with ENOENT where there is no such page. */
  async open(name: string): Promise<FileHandle> {
    return open(this.#path(name))
  }

  /** Nobody sees half a page, and a broken upload leaves the old one. */
  async #replace(name: string, write: (part: string) => Promise<void>): Promise<void> {
    const part = this.#path(`.${randomUUID()}`)
    try {
      await write(part)
      await rename(part, this.#path(name))
    } catch (error) {
      await rm(part, { force: true })
      throw error
    }
  }

  #path(name: string): string {
    return join(this.#dir, name)
  }
}
