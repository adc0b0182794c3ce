import { readdir } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { fileServer } from '../src/file-server.ts'
import { listening, until } from './serve.ts'

t.test('a file that is put can be got, whole and in part', async t => {
  const { url } = await listening(t, fileServer(join(t.testdir(), 'made')))
  t.equal((await fetch(`${url}/files/a.txt`, { method: 'PUT', body: '0123456789' })).status, 201)
  t.equal(await (await fetch(`${url}/files/a.txt`)).text(), '0123456789')
  const range = await fetch(`${url}/files/a.txt`, { headers: { range: 'bytes=1-2' } })
  t.equal(await range.text(), '12')
  t.equal((await fetch(`${url}/files/nothing`)).status, 404)
})

t.test('a put that is broken off leaves nothing', async t => {
  const dir = t.testdir()
  const { url } = await listening(t, fileServer(dir))
  const half = request(`${url}/files/a`, { method: 'PUT', headers: { 'content-length': 1_000 } })
  half.on('error', () => {}).write('half')
  await until(async () => (await readdir(dir)).length === 1)
  half.destroy()
  await until(async () => (await readdir(dir)).length === 0)
})

t.test('no name leads out of the folder', async t => {
  const { url } = await listening(t, fileServer(t.testdir()))
  for (const path of ['/', '/files/', '/files/.hidden', '/files/..%2fa', '/files/a%00', '/other/a']) {
    t.equal((await fetch(url + path)).status, 404, path)
    t.equal((await fetch(url + path, { method: 'PUT', body: 'x' })).status, 404, path)
  }
})
