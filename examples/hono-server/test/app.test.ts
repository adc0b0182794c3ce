import t from 'tap'
import { buildApp } from '../src/app.ts'
import { MiB, responseTo, serve, statusOf, until } from './serve.ts'

const thrice = { cost: ({ declaredBytes = 0 }) => 3 * declaredBytes, maxBody: '1MiB' }

t.test('documents and photos come in as without it, and say what they hold', async t => {
  await serve(t, buildApp({ budget: '16MiB', ...thrice }), async ({ url }) => {
    const body = JSON.stringify({ title: 'Load lines', pages: 12 })
    const stored = await fetch(`${url}/documents`, { method: 'POST', body })
    t.same(await stored.json(), { keys: ['title', 'pages'], held: 3 * body.length })

    const form = new FormData()
    form.set('photo', new File([new Uint8Array(1000)], 'a.jpg'))
    const kept = await fetch(`${url}/photos`, { method: 'POST', body: form })
    t.same(await kept.json(), { name: 'a.jpg', bytes: 1000 })
  })
})

t.test('a wrong request is told so, and a fault of ours is printed', async t => {
  const built = buildApp({ budget: '16MiB' })
  built.app.get('/fault', () => {
    throw new Error('ours')
  })
  await serve(t, built, async ({ url }) => {
    const printed = t.capture(console, 'error')
    t.equal((await fetch(`${url}/documents`, { method: 'POST', body: '{' })).status, 400)
    t.equal((await fetch(`${url}/photos`, { method: 'POST', body: new FormData() })).status, 400)
    t.same(printed(), [])
    t.equal((await fetch(`${url}/fault`)).status, 500)
    t.equal(printed().length, 1)
  })
})

t.test('an upload waits until there is room for it', async t => {
  const built = buildApp({ budget: '3MiB', ...thrice })
  await serve(t, built, async ({ send, url }) => {
    const { governor } = built
    const first = send('/documents', { headers: { 'content-length': MiB } })
    await until(() => governor.budget.available === 0)
    const second = send('/documents', { headers: { 'content-length': 2 } })
    second.end('{}')
    await until(() => governor.budget.waiting === 1)
    t.match(await (await fetch(`${url}/health`)).json(), { waiting: 1 }, 'health never waits')
    first.end(`[${' '.repeat(MiB - 2)}]`)
    t.equal(await statusOf(first), 201)
    t.equal(await statusOf(second), 201)
    t.match(governor.stats(), { queued: 1, refused: {} })
  })
})

t.test('an export holds its bytes until its client has read it', async t => {
  const built = buildApp({ budget: '16MiB' })
  await serve(t, built, async ({ send }) => {
    const { governor } = built
    const download = send('/export?rows=8000', { method: 'GET' })
    download.end()
    const response = await responseTo(download)
    t.equal(governor.budget.reserved, MiB, 'its handler has returned')
    let bytes = 0
    for await (const piece of response) bytes += piece.length
    t.ok(bytes > 7 * MiB)
  })
})

t.test('an export whose client leaves gives its bytes to the one that waits', async t => {
  const built = buildApp({ budget: '1MiB' })
  await serve(t, built, async ({ send, url }) => {
    const { governor } = built
    const download = send('/export?rows=100000', { method: 'GET' })
    download.end()
    await responseTo(download)
    const other = fetch(`${url}/export`)
    await until(() => governor.budget.waiting === 1)
    download.destroy()
    t.equal((await other).status, 200)
  })
})
