import { join } from 'node:path'
import type { Governor } from '@plimsoll/express'
import express, { type Express } from 'express'
import { answerError } from './errors.ts'
import { Folder } from './folder.ts'
import { uploadFile } from './upload-file.ts'
import { uploadImage } from './upload-image.ts'
import { uploadedRoutes } from './uploaded-routes.ts'

export interface AppOptions {
  /** Made where there is none. One process a folder. */
  readonly dir: string
  /** Default true. */
  readonly governed?: boolean
  /** Bytes, or a string with a unit. Default 'auto': from the container's limit. */
  readonly budget?: number | string
  /** Bytes of the largest file. Default 1 GiB. */
  readonly fileLimit?: number
  /** Bytes of the largest image. Default 16 MiB. */
  readonly imageLimit?: number
}

export interface App {
  readonly app: Express
  /** Undefined where the server is ungoverned. */
  readonly governor: Governor | undefined
}

/** Measured under a flood, see README. */
const WINDOW_BYTES = 2 ** 20

/** What stands around the file in a form of its own: boundaries, part headers, a few short fields. */
const FORM_BYTES = 64 * 1024

export async function buildApp(options: AppOptions): Promise<App> {
  const { dir, governed = true, budget = 'auto', fileLimit = 2 ** 30, imageLimit = 16 * 2 ** 20 } = options
  const files = await Folder.in(join(dir, 'files'))
  const images = await Folder.in(join(dir, 'images'))
  const app = express()
  app.disable('x-powered-by')
  let governor: Governor | undefined

  // ── Governed: this block, and `governor.attach` in server.ts. Nothing else knows of it. ──
  if (governed) {
    // Imported here, so that the ungoverned server is one without Plimsoll and not one in which it idles.
    const { plimsoll } = await import('@plimsoll/express')
    governor = plimsoll({ budget }).governor
    // Multer writes a file to disk as it comes: of a large one there is a window in memory, and in the kernel.
    const window = ({ declaredBytes = 0 }) => Math.min(declaredBytes, WINDOW_BYTES)
    app.post('/files', plimsoll({ governor, body: 'stream', cost: window, maxBody: fileLimit + FORM_BYTES }))
    // An image it collects in chunks, and then has the chunks and the buffer they are joined to.
    const twice = ({ declaredBytes = 0 }) => 2 * declaredBytes
    app.post('/images', plimsoll({ governor, cost: twice, maxBody: imageLimit + FORM_BYTES }))
  }

  app.post('/files', uploadFile(files, fileLimit))
  app.post('/images', uploadImage(images, imageLimit))
  app.use('/files', uploadedRoutes(files))
  app.use('/images', uploadedRoutes(images))
  app.get('/health', (_req, res) => {
    res.json({ status: 'ok' })
  })
  app.use(answerError)
  return { app, governor }
}
