import type { ServerResponse } from 'node:http'
import type { ReadableStream } from 'node:stream/web'
import type { Faults } from './faults.ts'
import { DEADLINE_MS, LIMIT, type Means, type Task } from './offers.ts'

/** Without Plimsoll: what has no fault is repaired here, by hand. */
export function meansByHand(faults: Faults, res: ServerResponse): Means {
  const controller = new AbortController()
  const { signal } = controller
  const timer = setTimeout(() => controller.abort(failure(504, 'The suppliers take too long')), DEADLINE_MS)
  res.once('close', () => {
    clearTimeout(timer)
    if (!res.writableEnded) controller.abort(failure(499, 'The client has left'))
  })
  return {
    all: tasks =>
      faults.has('four-at-once') ? Promise.all(tasks.map(run => run(signal))) : inTurn(tasks, signal),
    fetch,
    read: response => (faults.has('no-limit') ? readAll(response) : readWithin(response)),
  }
}

async function inTurn<T>(tasks: readonly Task<T>[], signal: AbortSignal): Promise<T[]> {
  const results: T[] = []
  for (const run of tasks) {
    signal.throwIfAborted()
    results.push(await run(signal))
  }
  return results
}

async function readAll(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer())
}

async function readWithin(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  // To leave the loop cancels the body.
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    bytes += chunk.length
    if (bytes > LIMIT) throw failure(502, 'A supplier sends too much')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes)
}

function failure(statusCode: number, message: string): Error {
  return Object.assign(new Error(message), { statusCode })
}
