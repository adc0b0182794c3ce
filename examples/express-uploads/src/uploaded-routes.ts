import { Router } from 'express'
import type { Folder } from './folder.ts'

/** What can be done with what was uploaded: list, download, delete. */
export function uploadedRoutes(folder: Folder): Router {
  const router = Router()
  router.get('/', async (_req, res) => {
    res.json(await folder.list())
  })
  // Streams, and knows ranges, HEAD, and names that leave the folder or are hidden.
  router.get('/:name', (req, res, next) => {
    res.sendFile(req.params.name, { root: folder.path }, next)
  })
  router.delete('/:name', async (req, res) => {
    await folder.delete(req.params.name)
    res.status(204).end()
  })
  return router
}
