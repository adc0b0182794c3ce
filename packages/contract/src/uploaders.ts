import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Framework } from './framework.ts'
import { UNCOVERED } from './uncovered.ts'

export interface Uploads {
  readonly port: number
  /** Default `'http'`. */
  readonly protocol?: Framework['protocol']
  /** Of each body. Default 16 MiB. */
  readonly bytes?: number
  /** Each with the media type of its body. */
  readonly routes: readonly { readonly path: string; readonly type: string }[]
  readonly framing: 'length' | 'chunked'
  readonly times: number
}

/**
 * Uploads to each route so many times, from a process of its own: a client that shares the server's event
 * loop reads its answer before it could be reset.
 *
 * @returns for each route what was read of the answers: statuses, or how the connection broke
 */
export async function uploadAll(uploads: Uploads): Promise<Record<string, unknown[]>> {
  const program = fileURLToPath(new URL('upload-program.ts', import.meta.url))
  const args = ['--import', import.meta.resolve('tsx'), program, JSON.stringify(uploads)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: UNCOVERED })
  return JSON.parse(stdout)
}
