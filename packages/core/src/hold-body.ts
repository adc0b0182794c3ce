import { bodyOf, type HttpRequest } from './request-head.ts'

/**
 * Keeps a body in its client while its request waits, although somebody reads it already: a logger mounted before
 * us, or what runs by a hook's second `done()`. What it lets in would be in memory, and no budget would know.
 *
 * @returns a function that lets the body come
 */
export function holdBody(req: HttpRequest): () => void {
  const body = bodyOf(req)
  const { _read, push } = body
  let held = true
  let asked: number | undefined
  body._read = size => {
    asked = size
  }
  // What is read does not fill the buffer, and Node would never stop. It stays, since others may have wrapped it.
  body.push = (chunk, encoding) => push.call(body, chunk, encoding) && !(held && asked !== undefined)
  return () => {
    held = false
    body._read = _read
    if (asked !== undefined) _read.call(body, asked)
  }
}
