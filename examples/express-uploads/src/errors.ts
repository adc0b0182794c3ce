import type { ErrorRequestHandler } from 'express'
import { MulterError } from 'multer'

/** Its message is for the client. */
export class UploadError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'UploadError'
    this.status = status
  }
}

/** The last handler: every error as JSON, and what is no client's fault without its message. */
export const answerError: ErrorRequestHandler = (error, _req, res, next) => {
  // Broken off by its client: nobody is there to answer.
  if (res.socket?.destroyed) return
  // Too late for an answer: Express's own handler cuts the connection.
  if (res.headersSent) return next(error)
  const status = statusOf(error)
  res.status(status).json({ error: status < 500 ? error.message : 'Internal Server Error' })
  if (status >= 500) console.error(error)
}

function statusOf(error: { status?: number }): number {
  if (error instanceof MulterError) return error.code === 'LIMIT_FILE_SIZE' ? 413 : 400
  return error.status ?? 500
}
