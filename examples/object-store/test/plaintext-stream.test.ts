import { once } from 'node:events'
import { get as download } from 'node:http'
import t from 'tap'
import { FRAME_BYTES, type SealedFrame } from '../src/frame-layout.ts'
import { MemoryStorage } from '../src/memory-storage.ts'
import type { StoredObject } from '../src/storage.ts'
import { get, metric, put, serve, until } from './serve.ts'
import { readRest, stalledDownload } from './stalled-download.ts'

/** Counts what is opened and closed, and can hold up an opening or a read. */
class WatchedStorage extends MemoryStorage {
  opened = 0
  closed = 0
  framesRead = 0
  beforeOpen: () => Promise<void> = async () => {}
  beforeRead: () => Promise<void> = async () => {}

  override async open(key: string): Promise<StoredObject | undefined> {
    await this.beforeOpen()
    const object = await super.open(key)
    if (!object) return undefined
    this.opened++
    return {
      header: object.header,
      readFrame: async (index): Promise<SealedFrame> => {
        await this.beforeRead()
        this.framesRead++
        return object.readFrame(index)
      },
      close: async () => {
        this.closed++
      },
    }
  }
}

/** Holds up whoever passes until it is opened, and tells when somebody is there. */
function gate(): { passed: () => Promise<void>; reached: Promise<void>; open: () => void } {
  let open = (): void => {}
  let reach = (): void => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  const reached = new Promise<void>(resolve => {
    reach = resolve
  })
  const passed = (): Promise<void> => {
    reach()
    return opened
  }
  return { passed, reached, open }
}

for (const governed of [false, true]) {
  const who = governed ? 'governed' : 'ungoverned'

  t.test(`${who}: an object is closed after it was read, looked at, or not found`, async t => {
    const storage = new WatchedStorage()
    await serve(t, { storage, governed }, async ({ url }) => {
      await put(url, 'a', Buffer.alloc(FRAME_BYTES + 1))
      await get(url, 'a')
      await fetch(`${url}/objects/a`, { method: 'HEAD' })
      await get(url, 'b')
      t.equal(storage.opened, 2)
      await until(() => storage.closed === 2)
    })
  })

  t.test(
    `${who}: the next frame is read when the client has taken the one before, and not earlier`,
    async t => {
      const storage = new WatchedStorage()
      await serve(t, { storage, governed }, async ({ app, url }) => {
        await put(url, 'a', Buffer.alloc(4 * FRAME_BYTES))
        const connected = once(app.server, 'connection')
        const stalled = await stalledDownload(url, 'a')
        const [socket] = await connected
        await until(() => socket.writableLength > 0)
        t.equal(storage.framesRead, 1)
        t.equal((await readRest(stalled)).length, 4 * FRAME_BYTES)
        t.equal(storage.framesRead, 4)
        t.equal(await metric(url, 'object_store_live_frames_peak'), 4, 'those of the upload')
      })
    },
  )

  t.test(`${who}: an object is closed when its client goes while it is opened`, async t => {
    const storage = new WatchedStorage()
    await serve(t, { storage, governed }, async ({ app, url }) => {
      await put(url, 'a', Buffer.alloc(FRAME_BYTES))
      const { passed, reached, open } = gate()
      storage.beforeOpen = passed
      const connected = once(app.server, 'connection')
      const request = download(`${url}/objects/a`, { agent: false }).on('error', () => {})
      const [socket] = await connected
      await reached
      request.destroy()
      await until(() => socket.destroyed)
      open()
      await until(() => storage.closed === 1)
      t.equal(storage.opened, 1)
    })
  })

  t.test(`${who}: a frame that is read for nobody is not decrypted`, async t => {
    const storage = new WatchedStorage()
    await serve(t, { storage, governed }, async ({ app, url }) => {
      await put(url, 'a', Buffer.alloc(1))
      const { passed, reached, open } = gate()
      storage.beforeRead = passed
      const connected = once(app.server, 'connection')
      const request = download(`${url}/objects/a`, { agent: false }).on('error', () => {})
      const [socket] = await connected
      await reached
      request.destroy()
      await until(() => socket.destroyed)
      await until(() => storage.closed === 1)
      open()
      await until(() => storage.framesRead === 1)
      t.equal(await metric(url, 'object_store_live_frames'), 0)
    })
  })
}
