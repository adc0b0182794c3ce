import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { PROTOCOLS } from '../src/protocol.ts'
import { ask, connect, zeros } from './client.ts'
import { CERTIFICATE, serve, until } from './serve.ts'

const KiB = 1024
const MiB = 1024 * KiB

for (const protocol of PROTOCOLS) {
  t.test(protocol, async t => {
    t.test('notes and photos come out as they went in, once for each client that keeps them', async t => {
      await serve(t, protocol, '16MiB', async ({ client }) => {
        const note = { title: 'Load lines', lines: ['F', 'T', 'S', 'W'] }
        t.equal((await ask(client, 'PUT', '/notes/a', { body: JSON.stringify(note) })).status, 204)
        t.same(JSON.parse((await ask(client, 'GET', '/notes/a')).body), note)

        const photo = 'not of this world'.repeat(1000)
        t.equal((await ask(client, 'PUT', '/photos/a.jpg', { body: photo })).status, 204)
        const { body, headers } = await ask(client, 'GET', '/photos/a.jpg')
        t.equal(body, photo)
        const again = { 'if-none-match': String(headers.etag) }
        t.match(await ask(client, 'GET', '/photos/a.jpg', { headers: again }), { status: 304, body: '' })
      })
    })

    t.test('what is not there is told from what is broken', async t => {
      await serve(t, protocol, '16MiB', async ({ client, dir }) => {
        for (const path of ['/', '/notes', '/notes/none', '/photos/none', '/photos/.hidden', '/photos/a/b'])
          t.equal((await ask(client, 'GET', path)).status, 404, path)
        t.equal((await ask(client, 'PUT', '/notes/a', { body: '{' })).status, 400)
        const printed = t.capture(console, 'error')
        await mkdir(join(dir, 'folder'))
        t.equal((await ask(client, 'GET', '/photos/folder')).status, 500)
        t.equal(printed().length, 1)
      })
    })

    t.test('probes tell whether it lives and whether it is ready, also while it drains', async t => {
      await serve(t, protocol, '3MiB', async ({ client, governor }) => {
        t.equal((await ask(client, 'GET', '/healthz')).status, 200)
        t.equal((await ask(client, 'GET', '/readyz')).status, 200)
        await governor.close()
        t.equal((await ask(client, 'GET', '/healthz')).status, 200)
        const { status, body } = await ask(client, 'GET', '/readyz')
        t.equal(status, 503)
        t.match(JSON.parse(body), { live: true, ready: false, reasons: [/^closing/] })
        t.equal((await ask(client, 'GET', '/notes/a')).status, 503, 'and nobody else is let in')
      })
    })

    t.test('who sends too much reads its 413, with a length and without', async t => {
      await serve(t, protocol, '16MiB', async ({ client, governor, dir }) => {
        for (const path of ['/photos/a', '/notes/a'])
          for (const headers of [{ 'content-length': 2 * MiB }, {}]) {
            const answer = await ask(client, 'PUT', path, { headers, body: zeros(2 * MiB) })
            t.equal(answer.status, 413, path)
            t.equal(JSON.parse(answer.body).code, 'ERR_PLIMSOLL_BODY_TOO_LARGE')
          }
        t.equal(governor.stats().admitted, 2, 'those with a length are refused by their head')
        t.same(await readdir(dir), [], 'and nothing is kept')
      })
    })

    t.test('an upload waits until there is room, and its client is told to go on then', async t => {
      await serve(t, protocol, '3MiB', async ({ client, governor }) => {
        const body = Buffer.from(JSON.stringify('.'.repeat(MiB - 2)))
        const first = client.send('PUT', '/notes/a', { 'content-length': MiB })
        first.body.write(body.subarray(1))
        await until(() => governor.budget.available === 0)
        const second = client.send('PUT', '/notes/b', { 'content-length': MiB, expect: '100-continue' })
        await until(() => governor.budget.waiting === 1)
        const health = JSON.parse((await ask(client, 'GET', '/health')).body)
        t.match(health, { capacity: 3 * MiB, waiting: 1 }, 'health never waits')

        first.body.end('\n')
        t.equal((await first.answer).status, 400)
        await second.goOn
        second.body.end(body)
        t.equal((await second.answer).status, 204)
        t.match(governor.stats(), { admitted: 3, queued: 1, refused: {} })
      })
    })

    t.test('a client that asks first sends nothing of a body that is refused', async t => {
      await serve(t, protocol, '3MiB', async ({ client }) => {
        const headers = { 'content-length': 2 * MiB, expect: '100-continue' }
        const { answer, goOn } = client.send('PUT', '/photos/a', headers)
        t.equal(await Promise.race([goOn.then(() => 'go on'), answer.then(({ status }) => status)]), 413)
      })
    })

    t.test('a photo gives back what its route does not need', async t => {
      await serve(t, protocol, '3MiB', async ({ client, governor }) => {
        const photo = client.send('PUT', '/photos/a', { 'content-length': MiB })
        await until(() => governor.budget.reserved === 128 * KiB)
        photo.body.end(Buffer.alloc(MiB))
        t.equal((await photo.answer).status, 204)
      })
    })

    t.test('a page is read when there is room for it', async t => {
      await serve(t, protocol, '3MiB', async ({ client, governor, dir }) => {
        await writeFile(join(dir, 'a'), Buffer.alloc(MiB))
        const upload = client.send('PUT', '/notes/b', { 'content-length': MiB })
        await until(() => governor.budget.available === 0)
        const page = ask(client, 'GET', '/photos/a')
        await until(() => governor.budget.waiting === 1)
        upload.body.end('1'.repeat(MiB))
        t.equal((await page).body.length, MiB)
        t.equal((await upload.answer).status, 204)
      })
    })

    t.test('a page that can never be held is refused', async t => {
      await serve(t, protocol, '1MiB', async ({ client, dir }) => {
        await writeFile(join(dir, 'a'), Buffer.alloc(MiB + 1))
        t.equal((await ask(client, 'GET', '/photos/a')).status, 503)
      })
    })

    t.test('an upload that breaks off leaves no page, and gives its bytes to the next', async t => {
      await serve(t, protocol, '3MiB', async ({ client, governor, dir }) => {
        const printed = t.capture(console, 'error')
        for (const path of ['/notes/a', '/photos/a']) {
          const { body } = client.send('PUT', path, { 'content-length': MiB })
          body.write('half')
          await until(() => governor.stats().active === 1 && governor.budget.available < 3 * MiB)
          body.destroy()
          await until(() => governor.stats().active === 0)
        }
        t.equal((await ask(client, 'PUT', '/notes/b', { body: '1' })).status, 204)
        t.same(await readdir(dir), ['b.json'])
        t.same(printed(), [], 'and is no fault of ours')
      })
    })
  })
}

t.test('on one HTTP/2 connection a stream waits while another is served', async t => {
  await serve(t, 'http2', '3MiB', async ({ client, governor }) => {
    const first = client.send('PUT', '/notes/a', { 'content-length': MiB })
    await until(() => governor.budget.available === 0)
    const second = client.send('PUT', '/notes/b', { 'content-length': MiB })
    second.body.end('2'.repeat(MiB))
    await until(() => governor.budget.waiting === 1)
    first.body.end('1'.repeat(MiB))
    t.equal((await first.answer).status, 204)
    t.equal((await second.answer).status, 204)
    t.equal(governor.stats().queued, 1)
  })
})

t.test('a client that speaks HTTP/1.1 is served on the port of HTTP/2', async t => {
  await serve(t, 'http2', '3MiB', async ({ port }) => {
    const client = connect('https', port, CERTIFICATE.cert)
    t.equal((await ask(client, 'PUT', '/notes/a', { body: '1' })).status, 204)
    t.equal((await ask(client, 'PUT', '/notes/a', { body: zeros(2 * MiB) })).status, 413)
    client.close()
  })
})
