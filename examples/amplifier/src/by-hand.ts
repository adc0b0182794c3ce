import type { ServerResponse } from 'node:http'
import type { ReadableStream } from 'node:stream/web'
import type { Faults } from './faults.ts'
import { DEADLINE_MS, LIMIT, type Means, type Task } from './offers.ts'

/** Without Plimsoll: what has no fault is repaired here, by hand. */
export function meansByHand(faults: Faults, res: ServerResponse): Means {
  const controller = new AbortController()
  const { signal } = controller
  // Whatever fetch is given: it forgets its signal once the garbage collector has come by (undici, Node 20).
  const ends = faults.has('outlives-client') ? undefined : signal
  const timer = setTimeout(() => controller.abort(failure(504, 'The suppliers take too long')), DEADLINE_MS)
  res.once('close', () => {
    clearTimeout(timer)
    if (!res.writableEnded) controller.abort(failure(499, 'The client has left'))
  })
  return {
    all: tasks =>
      faults.has('four-at-once') ? Promise.all(tasks.map(run => run(signal))) : inTurn(tasks, signal),
    fetch,
    read: response => readWithin(response, faults.has('no-limit') ? Number.POSITIVE_INFINITY : LIMIT, ends),
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

async function readWithin(response: Response, limit: number, signal?: AbortSignal): Promise<Buffer> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const end = (): void => void reader.cancel().catch(() => {})
  signal?.addEventListener('abort', end)
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      signal?.throwIfAborted()
      if (done) return Buffer.concat(chunks, bytes)
      bytes += value.length
      if (bytes > limit) throw failure(502, 'A supplier sends too much')
      chunks.push(value)
    }
  } finally {
    signal?.removeEventListener('abort', end)
    end()
  }
}

function failure(statusCode: number, message: string): Error {
  return Object.assign(new Error(message), { statusCode })
}
