import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { beginForm, sendFile, sendForm, sendImage } from './form.ts'
import { serve, until } from './serve.ts'

for (const governed of [false, true]) {
  t.test(governed ? 'governed' : 'ungoverned', t => takesUploads(t, { governed }))
}

async function takesUploads(t: Test, options: { governed: boolean }): Promise<void> {
  t.test('a file comes back as it was sent, under its own name, until it is deleted', async t => {
    await serve(t, options, async ({ url }) => {
      const content = randomBytes(300_000)
      const name = 'a report, final (ü).pdf'
      const sent = await sendFile(url, name, content)
      t.equal(sent.status, 201)
      t.same(await sent.json(), { name, bytes: content.length })
      t.same(await (await fetch(`${url}/files`)).json(), [{ name, bytes: content.length }])

      const at = url + sent.headers.get('location')
      t.ok(content.equals(await bytesOf(await fetch(at))))
      const range = await fetch(at, { headers: { range: 'bytes=100-199' } })
      t.equal(range.status, 206)
      t.ok(content.subarray(100, 200).equals(await bytesOf(range)))
      const head = await fetch(at, { method: 'HEAD' })
      t.equal(head.headers.get('content-length'), String(content.length))

      t.equal((await fetch(at, { method: 'DELETE' })).status, 204)
      t.equal((await fetch(at, { method: 'DELETE' })).status, 404)
      t.equal((await fetch(at)).status, 404)
      t.same(await (await fetch(`${url}/files`)).json(), [])
    })
  })

  t.test('a file of the same name replaces the one before', async t => {
    await serve(t, options, async ({ url }) => {
      await sendFile(url, 'a', Buffer.from('old'))
      await sendFile(url, 'a', Buffer.from('new'))
      t.equal(await (await fetch(`${url}/files/a`)).text(), 'new')
    })
  })

  t.test('an image is named by what is in it, so that the same one is kept once', async t => {
    await serve(t, options, async ({ url }) => {
      const content = randomBytes(100_000)
      const name = `${createHash('sha256').update(content).digest('hex')}.webp`
      for (let times = 0; times < 2; times++) {
        const sent = await sendImage(url, content, 'image/webp')
        t.equal(sent.status, 201)
        t.equal(sent.headers.get('location'), `/images/${name}`)
      }
      t.same(await (await fetch(`${url}/images`)).json(), [{ name, bytes: content.length }])
      const fetched = await fetch(`${url}/images/${name}`)
      t.equal(fetched.headers.get('content-type'), 'image/webp')
      t.ok(content.equals(await bytesOf(fetched)))
    })
  })

  t.test('no name leads out of the folder or into what is still coming in', async t => {
    await serve(t, options, async ({ url, dir }) => {
      for (const name of ['.hidden', '..', '.incoming', 'n'.repeat(256)]) {
        t.equal((await sendFile(url, name, Buffer.from('x'))).status, 400, name)
      }
      // Of a path multer takes the last part.
      t.equal((await sendFile(url, '../../escaped', Buffer.from('x'))).status, 201)
      t.same(await everythingIn(dir), ['escaped', 'files', 'images'])
      for (const name of ['.incoming', '%2e%2e%2fimages', '..%2fescaped', '%00']) {
        t.ok((await fetch(`${url}/files/${name}`)).status >= 400, name)
        t.equal((await fetch(`${url}/files/${name}`, { method: 'DELETE' })).status, 404, name)
      }
    })
  })

  t.test('what is no upload is refused and leaves nothing', async t => {
    await serve(t, { ...options, fileLimit: 1_000, imageLimit: 1_000 }, async ({ url, dir }) => {
      const refused: [name: string, status: number, answer: Promise<Response>][] = [
        ['a file too large', 413, sendFile(url, 'large', Buffer.alloc(1_001))],
        ['an image too large', 413, sendImage(url, Buffer.alloc(1_001))],
        ['not an image', 415, sendImage(url, Buffer.from('text'), 'text/plain')],
        ['a type as every object has it', 415, sendImage(url, Buffer.from('text'), 'constructor')],
        ['another field', 400, sendForm(`${url}/files`, 'other', new File(['x'], 'x'))],
        ['a form without a file', 400, sendForm(`${url}/files`, 'note', 'x')],
        ['a form without an image', 400, sendForm(`${url}/images`, 'note', 'x')],
        ['a field too long', 400, sendForm(`${url}/files`, 'note', 'x'.repeat(5_000))],
        ['not a form', 400, fetch(`${url}/files`, { method: 'POST', body: 'x' })],
      ]
      for (const [name, status, answer] of refused) {
        t.equal((await answer).status, status, name)
        t.match(await (await answer).json(), { error: String }, name)
      }
      t.equal((await sendFile(url, 'fits', Buffer.alloc(1_000))).status, 201)
      t.same(await everythingIn(dir), ['files', 'fits', 'images'])
    })
  })

  t.test('an upload that is broken off leaves nothing and is no error of the server', async t => {
    const printed = t.capture(console, 'error')
    await serve(t, options, async ({ url, dir }) => {
      for (const [path, field] of [
        ['files', 'file'],
        ['images', 'image'],
      ] as const) {
        const half = beginForm(`${url}/${path}`, field, 1_000_000)
        half.on('error', () => {}).write(Buffer.alloc(100_000))
        if (path === 'files') await until(async () => (await everythingIn(dir)).length === 3)
        half.destroy()
        await until(async () => (await everythingIn(dir)).length === 2)
      }
      t.same(await (await fetch(`${url}/files`)).json(), [])
      t.same(await (await fetch(`${url}/images`)).json(), [])
    })
    t.same(printed(), [])
  })

  t.test('a disk that fails is told to the operator, and to nobody else', async t => {
    const printed = t.capture(console, 'error', () => {})
    await serve(t, options, async ({ url, dir }) => {
      await rm(join(dir, 'images'), { recursive: true })
      const sent = await sendImage(url, Buffer.from('x'))
      t.equal(sent.status, 500)
      t.same(await sent.json(), { error: 'Internal Server Error' })
      t.equal((await fetch(`${url}/images`)).status, 500)
    })
    t.match(printed(), [{ args: [{ code: 'ENOENT' }] }, { args: [{ code: 'ENOENT' }] }])
  })

  t.test('a name that is taken by a folder cannot be uploaded or deleted', async t => {
    const printed = t.capture(console, 'error', () => {})
    await serve(t, options, async ({ url, dir }) => {
      await mkdir(join(dir, 'files', 'taken'))
      t.equal((await sendFile(url, 'taken', Buffer.from('x'))).status, 500)
      t.equal((await fetch(`${url}/files/taken`, { method: 'DELETE' })).status, 500)
      t.same(await readdir(join(dir, 'files', '.incoming')), [])
    })
    t.equal(printed().length, 2)
  })

  t.test('a download that breaks off after its head is cut', async t => {
    await serve(t, options, async ({ url }) => {
      await sendFile(url, 'a', randomBytes(1_000_000))
      const client = new AbortController()
      const answer = await fetch(`${url}/files/a`, { signal: client.signal })
      t.equal(answer.status, 200)
      client.abort()
      await t.rejects(answer.arrayBuffer())
    })
  })

  t.test('health answers', async t => {
    await serve(t, options, async ({ url }) => {
      t.same(await (await fetch(`${url}/health`)).json(), { status: 'ok' })
    })
  })
}

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer())
}

/** By name alone, without the folders of what is still coming in. */
async function everythingIn(dir: string): Promise<string[]> {
  const names = await readdir(dir, { recursive: true })
  return names
    .map(name => name.split('/').at(-1) as string)
    .filter(name => name !== '.incoming')
    .sort()
}
