import { createHash } from 'node:crypto'
import type { RequestHandler } from 'express'
import multer, { memoryStorage } from 'multer'
import { UploadError } from './errors.ts'
import type { Folder } from './folder.ts'
import { FORM_LIMITS } from './form-limits.ts'

const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/gif': 'gif',
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/webp': 'webp',
}

/** `POST` of a form with one image, which is read into memory: its name is the hash of all its bytes. */
export function uploadImage(folder: Folder, imageLimit: number): RequestHandler[] {
  const form = multer({
    storage: memoryStorage(),
    limits: { ...FORM_LIMITS, fileSize: imageLimit },
    fileFilter: (_req, { mimetype }, done) => {
      if (Object.hasOwn(EXTENSIONS, mimetype)) done(null, true)
      else done(new UploadError(415, 'Images are GIF, JPEG, PNG or WebP'))
    },
  })
  return [
    form.single('image'),
    async (req, res) => {
      if (!req.file) throw new UploadError(400, 'The form has no image')
      const { buffer, mimetype, size: bytes } = req.file
      const name = `${createHash('sha256').update(buffer).digest('hex')}.${EXTENSIONS[mimetype]}`
      await folder.write(name, buffer)
      res.status(201).location(`/images/${name}`).json({ name, bytes })
    },
  ]
}
