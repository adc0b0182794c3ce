import { createReadStream } from 'node:fs'
import { CommandError } from './command-error.ts'
import { duration, size } from './wording.ts'

/** A report has about 1 KiB for each route. */
const MOST_BYTES = 16 * 2 ** 20

/** What errors call a source. */
export function nameOf(source: string): string {
  return source === '-' ? 'the standard input' : source
}

/**
 * The text at a URL, in a file, or of the standard input (`-`).
 *
 * @param timeoutMs for a URL: until all of it is read
 * @throws CommandError where there is none, or more than 16 MiB of it
 */
export async function readSource(source: string, timeoutMs: number): Promise<string> {
  if (!/^https?:\/\//i.test(source)) {
    const stream = source === '-' ? process.stdin : createReadStream(source)
    return bounded(stream, nameOf(source)).catch(error => {
      throw unreadable(source, error)
    })
  }
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(source, { signal, headers: { accept: 'application/json' } })
    if (!response.ok) {
      await response.body?.cancel()
      throw new CommandError(`${source} answered ${response.status} ${response.statusText}`.trimEnd())
    }
    return await bounded(response.body ?? [], source)
  } catch (error) {
    if (signal.aborted) throw new CommandError(`${source} did not answer within ${duration(timeoutMs)}`)
    throw unreadable(source, error)
  }
}

async function bounded(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  source: string,
): Promise<string> {
  const kept: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > MOST_BYTES) {
      throw new CommandError(`${source} is larger than ${size(MOST_BYTES)}, which no report is`)
    }
    kept.push(chunk)
  }
  return Buffer.concat(kept).toString()
}

/** What to say of a source that can't be read. */
export function unreadable(source: string, error: unknown): CommandError {
  if (error instanceof CommandError) return error
  // What fetch throws says "fetch failed"; the reason is below.
  const reason = ((error as Error).cause ?? error) as NodeJS.ErrnoException
  return new CommandError(`${source} can't be read: ${SAID[reason.code ?? ''] ?? reason.message}`)
}

/** What goes wrong mostly, in the words of people. */
const SAID: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  EISDIR: 'it is a folder',
  ENOENT: 'no such file',
  ENOTFOUND: 'no such host',
  ERR_INVALID_URL: 'it is no URL',
  UND_ERR_SOCKET: 'the connection was closed',
}
