import type { Server } from 'node:http'
import { plimsoll } from '@plimsoll/express'
import app5 from 'express'
import { governing, type InFront } from '../in-front.ts'

export function express(inFront: InFront): Server {
  const app = app5()
  const options = governing(inFront)
  const admission = options && plimsoll(options)
  if (admission) app.use(admission)
  app.use(app5.json())
  app.get('/', (_req, res) => {
    res.json({ hello: 'world' })
  })
  app.post('/', (req, res) => {
    res.json({ read: Object.keys(req.body).length })
  })
  const server = app.listen(0, '127.0.0.1')
  admission?.governor.attach(server)
  return server
}
