import type { Readable, Transform } from 'node:stream'
import type { PlimsollError } from './errors.ts'

/** Who bounds what comes out. */
export interface InflationKeeper {
  /**
   * A decoder has put out another `bytes`, of now `total`.
   *
   * @throws the refusal
   */
  inflated(chunk: Uint8Array, total: number): void
  /** The body is not to go on. */
  inflationRefused(error: PlimsollError): void
  /** All decoders are done. */
  inflationOver(): void
}

type Push = (chunk: unknown, encoding?: BufferEncoding) => boolean

/**
 * Counts what becomes of an encoded body. Parsers pipe the request into a decoder (body-parser, co-body's inflation,
 * @fastify/compress, `stream.pipeline`), so its `pipe` tells which, and the decoder's `push` how much it makes of it.
 * Decoders behind decoders are found in the same way ("gzip, gzip"). Whatever transforms bytes is taken for one: it
 * need not be of node:zlib.
 *
 * Who collects an encoded body and calls `gunzipSync` is not seen.
 */
export class Inflation {
  readonly #keeper: InflationKeeper
  readonly #decoders = new Set<Transform>()
  #total = 0
  #atWork = 0

  constructor(req: Readable, keeper: InflationKeeper) {
    this.#keeper = keeper
    this.#watch(req)
  }

  /** Bytes the body has become, by the largest of its decoders. */
  get total(): number {
    return this.#total
  }

  /** Whether it goes on. */
  get underWay(): boolean {
    return this.#atWork > 0
  }

  /** Whether somebody hears of a decoder's error. One listener is that of the pipe into it. */
  get isHeard(): boolean {
    return [...this.#decoders].some(decoder => decoder.listenerCount('error') > 1)
  }

  /** Ends all decoders with `error`, so that their readers are told. */
  cut(error: PlimsollError): void {
    if (this.#decoders.size > 0) holdFast(error)
    for (const decoder of this.#decoders) {
      // Without a listener the 'error' event would be an uncaught exception.
      decoder.on('error', () => {})
      decoder.destroy(error)
    }
  }

  #watch(source: Readable): void {
    const { pipe } = source
    const pipeCounted: Readable['pipe'] = (destination, options) => {
      if (isDecoder(destination) && !this.#decoders.has(destination)) {
        this.#count(destination)
        this.#watch(destination)
      }
      return pipe.call(source, destination, options) as typeof destination
    }
    source.pipe = pipeCounted
  }

  #count(decoder: Transform): void {
    this.#decoders.add(decoder)
    this.#atWork++
    let total = 0
    let over = false
    const end = (): void => {
      if (over) return
      over = true
      this.#atWork--
      if (this.#atWork === 0) this.#keeper.inflationOver()
    }
    const push: Push = decoder.push
    decoder.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (chunk === null) end()
      else if (chunk instanceof Uint8Array) {
        total += chunk.length
        this.#total = Math.max(this.#total, total)
        try {
          this.#keeper.inflated(chunk, total)
        } catch (error) {
          this.#keeper.inflationRefused(error as PlimsollError)
          return false
        }
      }
      return push.call(decoder, chunk, encoding)
    }
    decoder.once('close', end)
  }
}

/** @fastify/compress writes to every error of its decoder that the body is malformed, and 400. It must not throw there. */
function holdFast(error: PlimsollError): void {
  for (const name of ['name', 'code', 'status', 'statusCode'] as const) {
    const value = error[name]
    Object.defineProperty(error, name, { get: () => value, set() {}, enumerable: name !== 'name' })
  }
}

/** By shape, since there are copies of node:stream on npm. */
function isDecoder(destination: unknown): destination is Transform {
  return typeof (destination as Partial<Transform>)._transform === 'function'
}
