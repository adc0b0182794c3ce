import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { DiskStorage } from '../src/disk-storage.ts'
import { FRAME_BYTES } from '../src/frame-layout.ts'
import { MemoryStorage } from '../src/memory-storage.ts'
import { get, metric, put, serve, until } from './serve.ts'
import { readRest, stalledDownload } from './stalled-download.ts'

for (const governed of [false, true]) {
  for (const kind of ['disk', 'memory']) {
    t.test(`${governed ? 'governed' : 'ungoverned'}, on ${kind}`, t =>
      behavesAsAnObjectStore(t, kind, governed),
    )
  }
}

async function behavesAsAnObjectStore(t: Test, kind: string, governed: boolean): Promise<void> {
  async function start(t: Test) {
    const folder = t.testdir()
    return { folder, governed, storage: kind === 'disk' ? await DiskStorage.in(folder) : new MemoryStorage() }
  }

  for (const bytes of [0, 1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 2 * FRAME_BYTES]) {
    t.test(`${bytes} bytes come back as they were put`, async t => {
      await serve(t, await start(t), async ({ url }) => {
        const body = randomBytes(bytes)
        const stored = await put(url, 'a key, with ünicode', body)
        t.equal(stored.status, 201)
        t.same(await stored.json(), { key: 'a key, with ünicode', bytes })

        const fetched = await fetch(`${url}/objects/${encodeURIComponent('a key, with ünicode')}`)
        t.equal(fetched.headers.get('content-length'), String(bytes))
        t.ok(body.equals(Buffer.from(await fetched.arrayBuffer())))
      })
    })
  }

  t.test('a body is bytes whatever its type, its framing or the lack of both', async t => {
    await serve(t, await start(t), async ({ url }) => {
      const text = '{ not JSON'
      const bodies: Record<string, RequestInit> = {
        json: { body: text, headers: { 'content-type': 'application/json' } },
        untyped: { body: new TextEncoder().encode(text) },
        chunked: {
          body: Readable.toWeb(Readable.from([text])) as ReadableStream,
          duplex: 'half',
        } as RequestInit,
      }
      for (const [key, init] of Object.entries(bodies)) {
        const stored = await fetch(`${url}/objects/${key}`, { method: 'PUT', ...init })
        t.equal(stored.status, 201, key)
        t.equal((await get(url, key)).toString(), text, key)
      }
      const bare = request(`${url}/objects/bare`, { method: 'PUT', agent: false })
      bare.removeHeader('transfer-encoding')
      bare.end()
      const [answer] = await once(bare, 'response')
      t.equal(answer.statusCode, 201)
      t.equal((await readRest(answer)).toString(), '{"key":"bare","bytes":0}')
    })
  })

  t.test('a body above the limit is refused and not stored', async t => {
    await serve(t, { ...(await start(t)), bodyLimit: 1000 }, async ({ url }) => {
      t.equal((await put(url, 'fits', Buffer.alloc(1000))).status, 201)
      t.equal((await put(url, 'large', Buffer.alloc(1001))).status, 413)
      t.same(await (await fetch(`${url}/objects`)).json(), [{ key: 'fits', bytes: 1000 }])
    })
  })

  t.test('what is put is listed until it is deleted', async t => {
    await serve(t, await start(t), async ({ url }) => {
      t.same(await (await fetch(`${url}/objects`)).json(), [])
      await put(url, 'a', Buffer.alloc(3))
      await put(url, 'b', Buffer.alloc(5))
      const listed = (await (await fetch(`${url}/objects`)).json()) as { key: string }[]
      t.same(
        listed.sort((a, b) => a.key.localeCompare(b.key)),
        [
          { key: 'a', bytes: 3 },
          { key: 'b', bytes: 5 },
        ],
      )
      t.equal((await fetch(`${url}/objects/a`, { method: 'DELETE' })).status, 204)
      t.same(await (await fetch(`${url}/objects`)).json(), [{ key: 'b', bytes: 5 }])
      t.equal((await fetch(`${url}/objects/a`)).status, 404)
    })
  })

  t.test('HEAD answers as GET would, without the body', async t => {
    await serve(t, await start(t), async ({ url }) => {
      await put(url, 'a', Buffer.alloc(1234))
      const head = await fetch(`${url}/objects/a`, { method: 'HEAD' })
      const full = await fetch(`${url}/objects/a`)
      t.equal(head.status, 200)
      t.equal(head.headers.get('content-length'), '1234')
      t.equal(head.headers.get('content-type'), full.headers.get('content-type'))
      t.equal((await full.arrayBuffer()).byteLength, 1234)
    })
  })

  t.test('an object that is not there is not found by any method', async t => {
    await serve(t, await start(t), async ({ url }) => {
      for (const method of ['GET', 'HEAD', 'DELETE']) {
        const response = await fetch(`${url}/objects/nothing`, { method })
        t.equal(response.status, 404, method)
        const body = await response.text()
        if (method !== 'HEAD') t.equal(JSON.parse(body).code, 'ERR_OBJECT_NOT_FOUND', method)
      }
    })
  })

  t.test('putting again replaces the object, and a download under way keeps the old one', async t => {
    await serve(t, await start(t), async ({ url }) => {
      const old = randomBytes(3 * FRAME_BYTES)
      await put(url, 'a', old)
      const download = await stalledDownload(url, 'a')
      const replaced = await put(url, 'a', Buffer.from('new'))
      t.equal(replaced.status, 200)
      t.equal((await get(url, 'a')).toString(), 'new')
      await fetch(`${url}/objects/a`, { method: 'DELETE' })
      t.ok(old.equals(await readRest(download)))
    })
  })

  t.test('an upload that is broken off leaves nothing', async t => {
    const options = await start(t)
    await serve(t, options, async ({ app, url }) => {
      const upload = request(`${url}/objects/half`, {
        method: 'PUT',
        agent: false,
        headers: { 'content-length': 2 * FRAME_BYTES },
      })
      upload.on('error', () => {})
      const [[socket]] = await Promise.all([
        once(app.server, 'connection'),
        new Promise(sent => upload.write(Buffer.alloc(FRAME_BYTES), sent)),
      ])
      upload.destroy()
      await until(() => socket.destroyed)
      t.same(await (await fetch(`${url}/objects`)).json(), [])
      t.same(await readdir(options.folder), [])
    })
  })

  t.test('a client that stops reading holds one frame of plaintext, and none once it is gone', async t => {
    await serve(t, await start(t), async ({ app, url }) => {
      await put(url, 'a', Buffer.alloc(4 * FRAME_BYTES))
      t.equal(await metric(url, 'object_store_live_frames_peak'), 4)
      const connected = once(app.server, 'connection')
      const download = await stalledDownload(url, 'a')
      const [socket] = await connected
      // The kernel takes some of the frame; the rest stays in the socket's queue.
      await until(() => socket.writableLength > 0)
      t.equal(await metric(url, 'object_store_live_frames'), 1)
      download.destroy()
      await until(async () => (await metric(url, 'object_store_live_frames')) === 0)
    })
  })

  t.test('health and metrics answer', async t => {
    await serve(t, await start(t), async ({ url }) => {
      t.same(await (await fetch(`${url}/health`)).json(), { status: 'ok' })
      for (const probe of ['healthz', 'readyz']) {
        const answer = await fetch(`${url}/${probe}`)
        t.equal(answer.status, 200)
        t.same(await answer.json(), { live: true, ready: true, reasons: [] })
      }
      const metrics = await fetch(`${url}/metrics`)
      t.match(metrics.headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
      t.equal(/^plimsoll_\w+ \d/m.test(await metrics.text()), governed)
    })
  })
}
