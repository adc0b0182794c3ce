import type { RequestHandler } from 'express'
import multer, { diskStorage } from 'multer'
import { UploadError } from './errors.ts'
import { type Folder, isName } from './folder.ts'
import { FORM_LIMITS } from './form-limits.ts'

/** `POST` of a form with one file, which is written to disk as it comes and keeps the name its client gave it. */
export function uploadFile(folder: Folder, fileLimit: number): RequestHandler[] {
  const form = multer({
    // Under a name of multer's own, so that nobody sees a half and two of one name do not mix.
    storage: diskStorage({ destination: folder.incoming }),
    limits: { ...FORM_LIMITS, fileSize: fileLimit },
    // As browsers send them; multer's default is latin1.
    defParamCharset: 'utf8',
    fileFilter: (_req, { originalname }, done) => {
      if (isName(originalname)) done(null, true)
      else done(new UploadError(400, 'The file has no valid name'))
    },
  })
  return [
    form.single('file'),
    async (req, res) => {
      if (!req.file) throw new UploadError(400, 'The form has no file')
      const { path, originalname: name, size: bytes } = req.file
      await folder.adopt(path, name)
      res
        .status(201)
        .location(`/files/${encodeURIComponent(name)}`)
        .json({ name, bytes })
    },
  ]
}
