import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import multer from '@koa/multer'
import Router from '@koa/router'
import { koaReadBody } from '@plimsoll/work'
import Koa, { type Context } from 'koa'
import bodyParser from 'koa-bodyparser'
import rawBody from 'raw-body'
import { lookInside } from '../../flood/servers/inside.ts'
import { directory, holdTogether, LARGEST, port } from './server.ts'

const app = new Koa()
const router = new Router()
const parsed = bodyParser({
  enableTypes: ['json', 'form', 'text'],
  jsonLimit: '1gb',
  formLimit: '1gb',
  textLimit: '1gb',
})
const hold = async (ctx: Context) => {
  ctx.body = await holdTogether(ctx.request.body, ctx.headers)
}
const holdFile = async (ctx: Context) => {
  const { file } = ctx as unknown as { file?: multer.File }
  ctx.body = await holdTogether(file?.buffer ?? file, ctx.headers)
}

for (const kind of ['json', 'text', 'form']) router.post(`/${kind}`, parsed, hold)
router.post('/buffer', async ctx => {
  const body = await rawBody(ctx.req, { length: ctx.request.length, limit: LARGEST })
  ctx.body = await holdTogether(body, ctx.headers)
})
router.post('/read-body', koaReadBody({ limit: LARGEST }), hold)
router.post('/multipart', multer({ storage: multer.memoryStorage() }).single('file'), holdFile)
router.post(
  '/multipart-disk',
  multer({ storage: multer.diskStorage({ destination: directory }) }).single('file'),
  holdFile,
)
router.post('/stream', async ctx => {
  await pipeline(ctx.req, createWriteStream(join(directory, randomUUID())))
  ctx.body = await holdTogether(undefined, ctx.headers)
})

router.get('/inside', async ctx => {
  ctx.body = await lookInside(undefined, true)
})
router.get('/health', ctx => {
  ctx.body = { status: 'ok' }
})

app.use(router.routes())
const server = app.listen(port, '127.0.0.1', () => {
  console.log(JSON.stringify({ listening: (server.address() as AddressInfo).port }))
})
