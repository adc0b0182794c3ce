import { createServer, type Server } from 'node:http'
import { pipeline } from 'node:stream'
import { plimsoll } from '@plimsoll/express'
import app5 from 'express'
import protect from 'overload-protection'
import { download, downloadHeaders, hello } from '../answers.ts'
import { governing, type InFront, overloadLimits } from '../in-front.ts'
import { listening } from '../listening.ts'

export function express(inFront: InFront): Promise<Server> {
  const app = app5()
  const options = governing(inFront)
  const admission = options && plimsoll(options)
  if (admission) app.use(admission)
  if (inFront === 'overload-protection') app.use(protect('express', overloadLimits))
  app.use(app5.json())
  app.get('/', (_req, res) => {
    res.json(hello)
  })
  app.post('/', (req, res) => {
    res.json({ read: Object.keys(req.body).length })
  })
  app.post('/upload', app5.raw(), (req, res) => {
    res.json({ read: (req.body as unknown as Buffer).length })
  })
  app.get('/download', (_req, res) => {
    res.set(downloadHeaders)
    pipeline(download(), res, () => {})
  })
  const server = createServer(app)
  admission?.governor.attach(server)
  return listening(server)
}
