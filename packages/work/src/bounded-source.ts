import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { optionError } from '@plimsoll/core'
import { canDecode, codingsOf } from './content-codings.ts'
import { endStream } from './end-stream.ts'

/** A web stream, by what is used of it: the types of Node, of undici and of the DOM differ. */
export interface WebStream {
  /** Whether somebody else reads it. */
  readonly locked: boolean
  /** Whoever has one reads it alone. */
  getReader(): WebStreamReader
  /** Ends it, and what it comes from. */
  cancel(reason?: unknown): Promise<void>
}

/** Reads a web stream. */
export interface WebStreamReader {
  /** The next chunk. */
  read(): Promise<{
    /** Whether there are no more. */
    readonly done: boolean
    /** The chunk: bytes. */
    readonly value?: unknown
  }>
  /** Ends the stream, and what it comes from. */
  cancel(reason?: unknown): Promise<void>
  /** Lets others read it. */
  releaseLock(): void
}

/** Headers as `fetch` has them, or as Node and undici have them. */
export type SourceHeaders =
  | {
      /** The value of a header, whatever the case of its name; null where there is none. */
      get(name: string): string | null
    }
  | Readonly<Record<string, string | readonly string[] | undefined>>

/** A response of `fetch`, or what `request` of undici answers; or headers and body of whatever else there is. */
export interface BoundedMessage {
  /** Null where there is none. */
  readonly body: Readable | WebStream | null
  /** They tell its length and its codings. */
  readonly headers: SourceHeaders
}

/** What can be read. */
export type BoundedSource = BoundedMessage | Readable | WebStream

/** A source that is fit to be read. */
export interface OpenSource {
  readonly body: Readable | WebStream | undefined
  /** Bytes it will probably have, by its head; undefined where that does not tell. */
  readonly expected: number | undefined
  /** Bytes that its head tells, encoded where it is; undefined where it tells none. */
  readonly declared: number | undefined
  /** What it is to be decoded from. */
  readonly codings: readonly string[]
}

const LENGTH = /^\d+$/

/** @throws `ERR_PLIMSOLL_OPTION` where it is no source, or one that is not to be had whole */
export function openSource(source: BoundedSource): OpenSource {
  const body = bodyOf(source)
  const headers = headersOf(source)
  if (body === undefined) return { body, expected: undefined, declared: undefined, codings: [] }
  if (isNodeStream(body)) checkNodeStream(body)
  else checkWebStream(body)
  const codings = codingsOf(headerOf(headers, 'content-encoding'))
  const length = hasNone(source) ? '0' : (headerOf(headers, 'content-length') ?? '')
  const declared = LENGTH.test(length) ? Number(length) : undefined
  if (codings.length > 0) {
    // What nobody here can decode is read as it comes, as `fetch` does.
    return {
      body,
      expected: undefined,
      declared,
      codings: isDecoded(source) || !canDecode(codings) ? [] : codings,
    }
  }
  return { body, expected: declared, declared, codings }
}

/**
 * Ends what a source comes from, as far as it is not over, so that no socket is left. Not what somebody else reads.
 * Whatever it is: it must not throw.
 */
export function discardSource(source: BoundedSource, reason: unknown): void {
  const { body } = isMessage(source) ? source : { body: source }
  if (isNodeStream(body)) endStream(body)
  else if (isWebStream(body) && !body.locked) body.cancel(reason).catch(() => {})
}

/** Whether it is a stream of Node's kind, of whichever copy. */
export function isNodeStream(value: unknown): value is Readable {
  const { pipe, on, destroy } = (value ?? {}) as Partial<Readable>
  return [pipe, on, destroy].every(method => typeof method === 'function')
}

function isWebStream(value: unknown): value is WebStream {
  return typeof (value as Partial<WebStream> | null)?.getReader === 'function'
}

/** A stream of Node may have a body, too, and is not meant by that. */
function isMessage(value: unknown): value is BoundedMessage {
  if (typeof value !== 'object' || value === null || isNodeStream(value) || isWebStream(value)) return false
  return 'body' in value && 'headers' in value
}

function bodyOf(source: BoundedSource): Readable | WebStream | undefined {
  const body = isMessage(source) ? source.body : source
  if (isNodeStream(body) || isWebStream(body)) return body
  if (isMessage(source) && body === null) return undefined
  throw optionError('source', 'a response, a Readable or a ReadableStream', source)
}

/** Node's own messages are streams that have headers. */
function headersOf(source: BoundedSource): SourceHeaders {
  return (source as Partial<BoundedMessage>).headers ?? {}
}

function headerOf(headers: SourceHeaders, name: string): string | undefined {
  const value =
    typeof headers.get === 'function' ? headers.get(name) : (headers as Record<string, unknown>)[name]
  return value === null || value === undefined ? undefined : String(value)
}

/** Whether its length is that of a body which is not sent: RFC 9110, section 8.6. Undici does not tell of a HEAD. */
function hasNone(source: object): boolean {
  const { statusCode, req } = source as { statusCode?: number; req?: { method?: string } }
  return statusCode === 304 || req?.method === 'HEAD'
}

/** Whether whoever has made it has decoded it: `fetch` does, and leaves the headers as they came. */
function isDecoded(source: BoundedSource): boolean {
  return 'bodyUsed' in source
}

function checkNodeStream(body: Readable): void {
  if (body.readableObjectMode)
    throw optionError('source', 'a stream of bytes, not of objects', body.constructor.name)
  if (body.readableEncoding)
    throw optionError('source', 'a stream of bytes, without setEncoding', body.readableEncoding)
  if (body.errored) throw body.errored
  if (body.readableDidRead) throw optionError('source', 'a stream that nobody has read', 'one that was read')
  if (body.destroyed) throw optionError('source', 'a stream that is open', 'one that was destroyed')
}

function checkWebStream(body: WebStream): void {
  if (body.locked) throw optionError('source', 'a stream that nobody else reads', 'one that is locked')
  // Of web streams, too, whatever its type says.
  if (Readable.isDisturbed(body as unknown as ReadableStream & Readable))
    throw optionError('source', 'a stream that nobody has read', 'one that was read')
}
