import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { truncate, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, request, type Server } from 'node:http'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { serve, until } from './serve.ts'
import { stalledDownload } from './stalled-download.ts'

const MiB = 2 ** 20

for (const governed of [false, true]) {
  t.test(governed ? 'governed' : 'ungoverned', t => passesFilesOn(t, { governed }))
}

async function passesFilesOn(t: Test, options: { governed: boolean }): Promise<void> {
  t.test('a file comes through as the upstream has it', async t => {
    await serve(t, options, async ({ url, dir, upstream }) => {
      const content = randomBytes(3 * MiB)
      await writeFile(join(dir, 'a.jpg'), content)
      const direct = await fetch(`http://127.0.0.1:${portOf(upstream)}/files/a.jpg`)
      const through = await fetch(`${url}/files/a.jpg`)
      t.equal(through.status, 200)
      for (const name of ['content-length', 'content-type', 'etag', 'last-modified', 'accept-ranges']) {
        t.ok(direct.headers.has(name), name)
        t.equal(through.headers.get(name), direct.headers.get(name), name)
      }
      await direct.arrayBuffer()
      t.ok(content.equals(Buffer.from(await through.arrayBuffer())))
    })
  })

  t.test('HEAD answers as GET would, without the body', async t => {
    await serve(t, options, async ({ url, dir }) => {
      await writeFile(join(dir, 'a'), Buffer.alloc(1_234))
      const head = await fetch(`${url}/files/a`, { method: 'HEAD' })
      t.equal(head.status, 200)
      t.equal(head.headers.get('content-length'), '1234')
      t.equal(await head.text(), '')
    })
  })

  t.test('a range and a condition are the upstream’s to answer', async t => {
    await serve(t, options, async ({ url, dir }) => {
      await writeFile(join(dir, 'a'), '0123456789')
      const etag = (await fetch(`${url}/files/a`, { method: 'HEAD' })).headers.get('etag') as string
      const ask = (headers: Record<string, string>) => fetch(`${url}/files/a`, { headers })

      const range = await ask({ range: 'bytes=2-4' })
      t.equal(range.status, 206)
      t.equal(range.headers.get('content-range'), 'bytes 2-4/10')
      t.equal(await range.text(), '234')
      t.equal((await ask({ range: 'bytes=2-4', 'if-range': etag })).status, 206)
      t.equal((await ask({ range: 'bytes=2-4', 'if-range': '"another"' })).status, 200)
      t.equal((await ask({ range: 'bytes=20-' })).status, 416)
      // fetch would add that it wants no answer from a cache.
      t.equal(await rawStatus(url, '/files/a', { 'if-none-match': etag }), 304)
    })
  })

  t.test('what the upstream does not have is not found, and nothing but files is asked for', async t => {
    await serve(t, options, async ({ url, upstreamAnswers }) => {
      t.equal((await fetch(`${url}/files/nothing`)).status, 404)
      t.equal(upstreamAnswers.length, 1)
      t.equal((await fetch(`${url}/nothing`)).status, 404)
      t.equal((await fetch(`${url}/files/a`, { method: 'PUT', body: 'x' })).status, 405)
      for (const path of ['/files/..', '/files/%2e%2e', '/files/.']) {
        t.equal(await rawStatus(url, path), 404, path)
      }
      t.equal(upstreamAnswers.length, 1)
    })
  })

  t.test('a name stays one name on its way', async t => {
    const seen: (string | undefined)[] = []
    const upstream = answering((req, res) => {
      seen.push(req.url)
      res.end('x')
    })
    await serve(t, { ...options, upstream }, async ({ url }) => {
      for (const name of ['..%2fhealth', 'a%3fb%23c', '%252e']) await fetch(`${url}/files/${name}`)
      t.same(seen, ['/files/..%2Fhealth', '/files/a%3Fb%23c', '/files/%252e'])
    })
  })

  t.test('an upstream that fails is a bad gateway', async t => {
    const printed = t.capture(console, 'error', () => {})
    const broken = answering((_req, res) => res.writeHead(500).end('a stack'))
    await serve(t, { ...options, upstream: broken }, async ({ url }) => {
      const answer = await fetch(`${url}/files/a`)
      t.equal(answer.status, 502)
      t.same(await answer.json(), { error: 'The files cannot be reached' })
      t.equal((await fetch(`${url}/files/a`, { method: 'HEAD' })).status, 502)
    })
    t.same(printed(), [])

    const silent = answering(() => {})
    await serve(t, { ...options, upstream: silent, upstreamTimeoutMs: 20 }, async ({ url }) => {
      t.equal((await fetch(`${url}/files/a`)).status, 502)
    })
    await serve(t, options, async ({ url, upstream }) => {
      upstream.close()
      t.equal((await fetch(`${url}/files/a`)).status, 502)
    })
    t.match(printed(), [
      { args: [{ message: 'The upstream does not answer' }] },
      { args: [{ code: 'ECONNREFUSED' }] },
    ])
  })

  t.test('a download whose upstream dies is cut, so that nobody takes half for whole', async t => {
    const printed = t.capture(console, 'error')
    for (const headers of [{ 'content-length': '2000' }, {}]) {
      const dying = answering((_req, res) => {
        res.writeHead(200, headers).write(Buffer.alloc(1_000))
        setImmediate(() => res.destroy())
      })
      await serve(t, { ...options, upstream: dying }, async ({ url }) => {
        await t.rejects(fetch(`${url}/files/a`).then(answer => answer.arrayBuffer()))
      })
    }
    t.same(printed(), [])
  })

  t.test('a download that its client breaks off ends at the upstream too', async t => {
    const printed = t.capture(console, 'error')
    await serve(t, options, async ({ url, dir, upstreamAnswers }) => {
      await sparse(join(dir, 'large'), 256 * MiB)
      const download = await stalledDownload(`${url}/files/large`)
      download.destroy()
      await until(() => upstreamAnswers[0]?.closed === true)
      t.equal(upstreamAnswers[0]?.writableFinished, false)
    })
    t.same(printed(), [])
  })

  t.test('a client that is gone before its answer is not asked for any more', async t => {
    const printed = t.capture(console, 'error')
    await serve(t, { ...options, upstream: answering(() => {}) }, async ({ url, upstreamAnswers }) => {
      const asked = request(`${url}/files/a`, { agent: false })
      asked.on('error', () => {}).end()
      await until(() => upstreamAnswers.length === 1)
      asked.destroy()
      await until(() => upstreamAnswers[0]?.closed === true)
    })
    t.same(printed(), [])
  })

  t.test('a client that reads nothing stops its upstream', async t => {
    await serve(t, options, async ({ url, dir, answers, upstreamAnswers }) => {
      await sparse(join(dir, 'large'), 256 * MiB)
      const download = await stalledDownload(`${url}/files/large`)
      await until(() => answers[0]?.writableNeedDrain === true)
      // Turns enough for the rest to come, if somebody asked for it.
      for (let turn = 0; turn < 200; turn++) await nextTurn()
      t.ok((answers[0]?.writableLength as number) < MiB)
      t.equal(upstreamAnswers[0]?.writableFinished, false)
      download.destroy()
    })
  })

  t.test('what the upstream has compressed is passed on as it is', async t => {
    const text = 'again and '.repeat(1_000)
    const body = gzipSync(text)
    const upstream = answering((req, res) => {
      t.match(req.headers['accept-encoding'], /gzip/)
      res.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.length }).end(body)
    })
    await serve(t, { ...options, upstream }, async ({ url }) => {
      const answer = await fetch(`${url}/files/a`)
      t.equal(answer.headers.get('content-length'), String(body.length))
      t.equal(await answer.text(), text)
    })
  })

  t.test(
    'a kept connection that the upstream closes when it is used again costs nobody an answer',
    async t => {
      const printed = t.capture(console, 'error')
      const used = new WeakSet<object>()
      const upstream = answering((req, res) => {
        if (used.has(req.socket)) req.socket.destroy()
        else res.end('x')
        used.add(req.socket)
      })
      await serve(t, { ...options, upstream }, async ({ url, upstreamAnswers }) => {
        t.equal(await (await fetch(`${url}/files/a`)).text(), 'x')
        t.equal(await (await fetch(`${url}/files/a`)).text(), 'x')
        t.equal(upstreamAnswers.length, 3)
      })
      t.same(printed(), [])
    },
  )

  t.test('health answers', async t => {
    await serve(t, options, async ({ url }) => {
      t.same(await (await fetch(`${url}/health`)).json(), { status: 'ok' })
    })
  })
}

function answering(listener: RequestListener): () => Server {
  return () => createServer(listener)
}

function portOf(server: Server): number {
  return (server.address() as { port: number }).port
}

/** A file that takes no room on disk. */
async function sparse(path: string, bytes: number): Promise<void> {
  await writeFile(path, '')
  await truncate(path, bytes)
}

/** Of a request that goes out as it stands: fetch would tidy dots up. */
async function rawStatus(url: string, path: string, headers = {}): Promise<number> {
  const { hostname, port } = new URL(url)
  const [answer] = await once(request({ hostname, port, path, headers, agent: false }).end(), 'response')
  answer.resume()
  return answer.statusCode
}
