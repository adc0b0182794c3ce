import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UploadError } from './errors.ts'

export interface Uploaded {
  readonly name: string
  readonly bytes: number
}

/** A folder of finished uploads, and within it a hidden one of those that are still coming in. */
export class Folder {
  readonly path: string
  /** On the same file system as the folder: only there is a rename atomic. */
  readonly incoming: string

  private constructor(path: string) {
    this.path = path
    this.incoming = join(path, '.incoming')
  }

  /** Makes the folder where there is none, and clears away what a crash left half-written. */
  static async in(path: string): Promise<Folder> {
    const folder = new Folder(path)
    await rm(folder.incoming, { recursive: true, force: true })
    await mkdir(folder.incoming, { recursive: true })
    return folder
  }

  /** Keeps a file that has come in under a name, and takes that from another that has it. */
  adopt(incoming: string, name: string): Promise<void> {
    return this.#keep(incoming, name)
  }

  write(name: string, content: Buffer): Promise<void> {
    const incoming = join(this.incoming, randomUUID())
    return this.#keep(incoming, name, writeFile(incoming, content))
  }

  async list(): Promise<Uploaded[]> {
    const names = (await readdir(this.path)).filter(isName)
    const sizes = await Promise.all(names.map(name => this.#size(name)))
    return names.flatMap((name, index) => {
      const bytes = sizes[index]
      return bytes === undefined ? [] : [{ name, bytes }]
    })
  }

  /** @throws {UploadError} 404 */
  async delete(name: string): Promise<void> {
    const deleted = isName(name) && (await unlink(join(this.path, name)).then(() => true, missing))
    if (!deleted) throw new UploadError(404, 'There is no such upload')
  }

  async #keep(incoming: string, name: string, written?: Promise<void>): Promise<void> {
    try {
      await written
      await rename(incoming, join(this.path, name))
    } catch (error) {
      await rm(incoming, { force: true })
      throw error
    }
  }

  /** Undefined where it was deleted since it was listed. */
  async #size(name: string): Promise<number | undefined> {
    return stat(join(this.path, name)).then(({ size }) => size, missing)
  }
}

/** Whether a file of this name stays inside its folder, and is one that a download finds. */
export function isName(name: string): boolean {
  return /^[^./\\\p{Cc}][^/\\\p{Cc}]*$/u.test(name) && Buffer.byteLength(name) <= 255
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
