import { once } from 'node:events'
import { request } from 'node:http'
import t from 'tap'
import { FRAME_BYTES } from '../src/frame-layout.ts'
import { MemoryStorage } from '../src/memory-storage.ts'
import { metric, put, serve, until } from './serve.ts'
import { readRest, stalledDownload } from './stalled-download.ts'

const BUDGET = 2 * FRAME_BYTES

t.test('uploads beyond the budget wait, and all of them are stored', async t => {
  await serve(t, { storage: new MemoryStorage(), budget: BUDGET }, async ({ url }) => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, part) => put(url, `part-${part}`, Buffer.alloc(FRAME_BYTES))),
    )
    t.same(
      answers.map(answer => answer.status),
      Array(8).fill(201),
    )
    t.ok((await metric(url, 'object_store_live_frames_peak')) <= BUDGET / FRAME_BYTES)
  })
})

t.test('an upload reserves what it declares and a frame of it, before it is sent', async t => {
  await serve(t, { storage: new MemoryStorage(), budget: BUDGET }, async ({ app, url }) => {
    const upload = request(`${url}/objects/a`, {
      method: 'PUT',
      agent: false,
      headers: { 'content-length': 1_000_000 },
    })
    upload.flushHeaders()
    await until(() => app.plimsoll.budget.reserved === 2_000_000)
    upload.end(Buffer.alloc(1_000_000))
    const [answer] = await once(upload, 'response')
    await readRest(answer)
    t.equal(answer.statusCode, 201)
  })
})

t.test('an upload that is broken off gives its bytes to the one that waits for them', async t => {
  await serve(t, { storage: new MemoryStorage(), budget: BUDGET }, async ({ app, url }) => {
    const half = request(`${url}/objects/half`, {
      method: 'PUT',
      agent: false,
      headers: { 'content-length': FRAME_BYTES },
    })
    half.on('error', () => {}).write(Buffer.alloc(1000))
    await until(() => app.plimsoll.budget.reserved === BUDGET)
    const waiting = put(url, 'whole', Buffer.alloc(FRAME_BYTES))
    await until(() => app.plimsoll.budget.waiting === 1)
    half.destroy()
    t.equal((await waiting).status, 201)
    t.same(await (await fetch(`${url}/objects`)).json(), [{ key: 'whole', bytes: FRAME_BYTES }])
  })
})

t.test('a download holds two frames, or twice its object where that is less', async t => {
  await serve(t, { storage: new MemoryStorage() }, async ({ app, url }) => {
    for (const [bytes, reserved] of [
      [3 * FRAME_BYTES, 2 * FRAME_BYTES],
      [FRAME_BYTES - 1, 2 * FRAME_BYTES - 2],
    ] as const) {
      await put(url, 'a', Buffer.alloc(bytes))
      await until(() => app.plimsoll.budget.reserved === 0)
      const download = await stalledDownload(url, 'a')
      t.equal(app.plimsoll.budget.reserved, reserved)
      t.equal((await readRest(download)).length, bytes)
      await until(() => app.plimsoll.budget.reserved === 0)
    }
  })
})

t.test('health and metrics answer when all of the budget is taken', async t => {
  await serve(t, { storage: new MemoryStorage(), budget: BUDGET }, async ({ app, url }) => {
    await put(url, 'a', Buffer.alloc(FRAME_BYTES))
    const download = await stalledDownload(url, 'a')
    t.equal(app.plimsoll.budget.available, 0)
    const waiting = put(url, 'b', Buffer.alloc(FRAME_BYTES))
    await until(() => app.plimsoll.budget.waiting === 1)
    t.equal((await fetch(`${url}/health`)).status, 200)
    t.equal(await metric(url, 'plimsoll_waiting'), 1)
    download.destroy()
    t.equal((await waiting).status, 201)
  })
})

t.test('where nothing moves and others wait the probes fail, until something does', async t => {
  const options = { storage: new MemoryStorage(), budget: BUDGET, limits: { health: { wedgedMs: 300 } } }
  await serve(t, options, async ({ app, url }) => {
    const statuses = async (): Promise<number[]> => {
      const answers = await Promise.all(['healthz', 'readyz'].map(probe => fetch(`${url}/${probe}`)))
      return answers.map(({ status }) => status)
    }
    await put(url, 'a', Buffer.alloc(FRAME_BYTES))
    const download = await stalledDownload(url, 'a')
    const waiting = put(url, 'b', Buffer.alloc(FRAME_BYTES))
    await until(() => app.plimsoll.budget.waiting === 1)
    t.same(await statuses(), [200, 200])
    await until(() => !app.plimsoll.health().live)
    t.same(await statuses(), [503, 503])
    download.destroy()
    t.equal((await waiting).status, 201)
    t.same(await statuses(), [200, 200])
  })
})

t.test('an upload that can never fit is refused at once, and counted by its code', async t => {
  await serve(t, { storage: new MemoryStorage(), budget: BUDGET }, async ({ url }) => {
    t.equal((await put(url, 'a', Buffer.alloc(BUDGET + 1))).status, 413)
    const metrics = await (await fetch(`${url}/metrics`)).text()
    t.match(metrics, /^plimsoll_refused\{code="ERR_PLIMSOLL_BODY_OVER_BUDGET"\} 1$/m)
  })
})
