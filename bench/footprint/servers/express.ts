import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { expressReadBody } from '@plimsoll/work'
import express, { type Request, type Response } from 'express'
import multer, { diskStorage, memoryStorage } from 'multer'
import { lookInside } from '../../flood/servers/inside.ts'
import { directory, holdTogether, LARGEST, port } from './server.ts'

const app = express()
const limit = LARGEST
const hold = async ({ body, headers }: Request, res: Response) => {
  res.json(await holdTogether(body, headers))
}
const holdFile = async ({ file, headers }: Request, res: Response) => {
  res.json(await holdTogether(file?.buffer ?? file, headers))
}

app.post('/buffer', express.raw({ limit }), hold)
app.post('/read-body', expressReadBody({ limit }), hold)
app.post('/json', express.json({ limit }), hold)
app.post('/text', express.text({ limit }), hold)
app.post('/form', express.urlencoded({ limit, extended: false }), hold)
app.post('/multipart', multer({ storage: memoryStorage() }).single('file'), holdFile)
app.post(
  '/multipart-disk',
  multer({ storage: diskStorage({ destination: directory }) }).single('file'),
  holdFile,
)
app.post('/stream', async (req, res) => {
  await pipeline(req, createWriteStream(join(directory, randomUUID())))
  res.json(await holdTogether(undefined, req.headers))
})

app.get('/inside', async (_req, res) => {
  res.json(await lookInside(undefined, true))
})
app.get('/health', (_req, res) => {
  res.json({ status: 'ok' })
})

const server = app.listen(port, '127.0.0.1', () => {
  console.log(JSON.stringify({ listening: (server.address() as AddressInfo).port }))
})
