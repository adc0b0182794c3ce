const STATUS_CODES = {
  ERR_OBJECT_KEY_INVALID: 400,
  ERR_OBJECT_NOT_FOUND: 404,
  ERR_OBJECT_TOO_LARGE: 413,
  ERR_OBJECT_CORRUPT: 500,
} as const

/** Fastify answers with `statusCode`, `code` and `message`, so a message names no path and no key. */
export class ObjectStoreError extends Error {
  readonly code: keyof typeof STATUS_CODES
  readonly statusCode: number

  constructor(code: keyof typeof STATUS_CODES, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ObjectStoreError'
    this.code = code
    this.statusCode = STATUS_CODES[code]
  }
}
