import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { optionError } from '@plimsoll/core'
import { isNodeStream, type OpenSource, type WebStream } from './bounded-source.ts'
import { decodersOf } from './content-codings.ts'
import { listenForAbort } from './listen-for-abort.ts'

type Take = (chunk: Uint8Array) => void

/**
 * Hands a source's chunks to `take` as they come, decoded, until it ends, `take` throws or `signal` aborts. It does not
 * dispose of a source that has not ended: see `discardSource`.
 */
export async function readChunks(
  { body, codings }: Pick<OpenSource, 'body' | 'codings'>,
  take: Take,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (body === undefined) return
  if (codings.length > 0) {
    const source = isNodeStream(body) ? body : Readable.fromWeb(body as ReadableStream)
    const decoders = decodersOf(source, codings)
    try {
      await readNodeStream(decoders.at(-1) as Readable, take, signal)
    } finally {
      for (const decoder of decoders) decoder.destroy()
      // Of a web stream, which it has locked.
      if (source !== body) source.destroy()
    }
  } else if (isNodeStream(body)) await readNodeStream(body, take, signal)
  else await readWebStream(body, take, signal)
}

async function readNodeStream(stream: Readable, take: Take, signal: AbortSignal | undefined): Promise<void> {
  const abort = (): void => {
    stream.destroy(signal?.reason)
  }
  if (signal !== undefined) listenForAbort([signal], abort)
  // What it says after it was broken off: undici's streams do, and nobody would hear it.
  const ignore = (): void => {}
  stream.on('error', ignore)
  try {
    // Whoever disposes of it knows how: destroyed, a request would take the way of its answer with it.
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) take(chunk)
    stream.off('error', ignore)
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

async function readWebStream(stream: WebStream, take: Take, signal: AbortSignal | undefined): Promise<void> {
  const reader = stream.getReader()
  const abort = (): void => {
    reader.cancel(signal?.reason).catch(() => {})
  }
  if (signal !== undefined) listenForAbort([signal], abort)
  try {
    for (;;) {
      const { done, value } = await reader.read()
      signal?.throwIfAborted()
      if (done) return
      if (!(value instanceof Uint8Array)) throw optionError('source', 'a stream of bytes', value)
      take(value)
    }
  } finally {
    signal?.removeEventListener('abort', abort)
    reader.releaseLock()
  }
}
