import type { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { ObjectStoreError } from './errors.ts'

/**
 * A content-type parser that reads a body into one buffer of its declared size. Fastify's own collects
 * chunks and concatenates them, and so holds a body twice.
 */
export function wholeBody(request: FastifyRequest, payload: Readable): Promise<Buffer> {
  return readWhole(payload, request.headers['content-length'], request.routeOptions.bodyLimit)
}

/** The same for servers without Fastify. */
export async function readWhole(
  payload: Readable,
  declared: string | undefined,
  bodyLimit: number,
): Promise<Buffer> {
  if (declared === undefined) return collected(payload, bodyLimit)
  checkSize(Number(declared), bodyLimit)
  const body = Buffer.allocUnsafe(Number(declared))
  let bytes = 0
  // A body that ends early throws here: Node ends no shorter one well.
  for await (const chunk of payload) bytes += (chunk as Buffer).copy(body, bytes)
  return body
}

async function collected(payload: Readable, bodyLimit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of payload) {
    bytes += (chunk as Buffer).length
    checkSize(bytes, bodyLimit)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

function checkSize(bytes: number, bodyLimit: number): void {
  if (bytes > bodyLimit) throw new ObjectStoreError('ERR_OBJECT_TOO_LARGE', 'The object is too large')
}
