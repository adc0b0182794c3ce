import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import t from 'tap'
import { FRAME_BYTES } from '../../src/frame-layout.ts'
import { rawStatus } from '../raw-request.ts'
import { until } from '../serve.ts'
import { readRest } from '../stalled-download.ts'
import { encodeAwsChunked } from './aws-chunked-encoder.ts'
import { refused, serveS3, texts } from './serve-s3.ts'

const md5 = (body: Buffer): string => createHash('md5').update(body).digest('hex')

for (const bytes of [0, 1, FRAME_BYTES, 2 * FRAME_BYTES + 5]) {
  t.test(`an object of ${bytes} bytes comes back with what it was put with`, async t => {
    await serveS3(t, async ({ bucket }) => {
      const body = randomBytes(bytes)
      const headers = {
        'content-type': 'image/png',
        'x-amz-meta-mtime': '1.5',
        'cache-control': 'no-store',
        'content-md5': createHash('md5').update(body).digest('base64'),
      }
      const put = await fetch(`${bucket}/folder/a`, { method: 'PUT', body, headers })
      t.equal(put.status, 200)
      t.equal(put.headers.get('etag'), `"${md5(body)}"`)
      for (const method of ['GET', 'HEAD']) {
        const answer = await fetch(`${bucket}/folder/a`, { method })
        t.equal(answer.status, 200)
        t.equal(answer.headers.get('etag'), `"${md5(body)}"`)
        t.equal(answer.headers.get('content-length'), String(bytes))
        t.equal(answer.headers.get('content-type'), 'image/png')
        t.equal(answer.headers.get('x-amz-meta-mtime'), '1.5')
        t.equal(answer.headers.get('cache-control'), 'no-store')
        t.equal(answer.headers.get('accept-ranges'), 'bytes')
        t.ok(Math.abs(Date.parse(answer.headers.get('last-modified') as string) - Date.now()) < 60_000)
        const received = Buffer.from(await answer.arrayBuffer())
        if (method === 'GET') t.ok(body.equals(received))
      }
    })
  })
}

t.test('a body that Fastify does not parse, since it has none, is an empty object', async t => {
  await serveS3(t, async ({ bucket }) => {
    const bare = request(`${bucket}/bare`, { method: 'PUT', agent: false })
    bare.removeHeader('transfer-encoding')
    bare.end()
    const [answer] = await once(bare, 'response')
    t.equal(answer.statusCode, 200)
    t.equal(answer.headers.etag, `"${md5(Buffer.alloc(0))}"`)
    await readRest(answer)
    t.equal((await fetch(`${bucket}/bare`)).headers.get('content-type'), 'binary/octet-stream')
  })
})

t.test('keys are kept apart by every character, and by their bucket', async t => {
  await serveS3(t, async ({ url }) => {
    await fetch(`${url}/other`, { method: 'PUT' })
    const keys = [
      'a',
      'A',
      'a/',
      'a/b',
      'a//b',
      '/a',
      'a b',
      'a+b',
      'a%b',
      'ü🚢',
      '__proto__',
      'k'.repeat(1024),
    ]
    const path = (key: string): string => encodeURIComponent(key).replaceAll('%2F', '/')
    for (const bucket of ['bucket', 'other']) {
      for (const key of keys) {
        const put = await fetch(`${url}/${bucket}/${path(key)}`, { method: 'PUT', body: bucket + key })
        t.equal(put.status, 200, key)
      }
    }
    for (const key of keys) t.equal(await (await fetch(`${url}/other/${path(key)}`)).text(), `other${key}`)
    t.equal(await (await fetch(`${url}/bucket/a%2Fb`)).text(), 'bucketa/b')
  })
})

t.test('no key leads out of its folder', async t => {
  await serveS3(t, async ({ port, folder }) => {
    for (const target of [
      '/bucket/../../x',
      '/bucket/%2e%2e/x',
      '/bucket/a/%2e%2e',
      '/bucket/%00',
      '/bucket/%ff',
    ]) {
      for (const method of ['PUT', 'GET', 'HEAD', 'DELETE']) {
        t.equal(await rawStatus(port, method, target), 400, `${method} ${target}`)
      }
    }
    for (const target of ['/../x', '/%2e%2e/x', '/..%2f..%2fx/y', '/.hidden/x']) {
      t.equal(await rawStatus(port, 'PUT', target), 400, target)
    }
    t.same(await readdir(`${folder}/buckets`), ['bucket'])
    t.same(await readdir(`${folder}/buckets/bucket`), [])
  })
})

t.test('a range comes by itself, whichever frames it lies in', async t => {
  await serveS3(t, async ({ bucket }) => {
    const body = randomBytes(2 * FRAME_BYTES + 1000)
    await fetch(`${bucket}/a`, { method: 'PUT', body })
    for (const [range, start, end] of [
      ['bytes=0-9', 0, 10],
      [`bytes=${FRAME_BYTES - 3}-${FRAME_BYTES + 3}`, FRAME_BYTES - 3, FRAME_BYTES + 4],
      [`bytes=${2 * FRAME_BYTES}-`, 2 * FRAME_BYTES, body.length],
      ['bytes=-7', body.length - 7, body.length],
    ] as const) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await fetch(`${bucket}/a`, { method, headers: { range } })
        t.equal(answer.status, 206)
        t.equal(answer.headers.get('content-range'), `bytes ${start}-${end - 1}/${body.length}`)
        t.equal(answer.headers.get('content-length'), String(end - start))
        const received = Buffer.from(await answer.arrayBuffer())
        if (method === 'GET') t.ok(body.subarray(start, end).equals(received), range)
      }
    }
    const beyond = await fetch(`${bucket}/a`, { headers: { range: `bytes=${body.length}-` } })
    t.equal(beyond.headers.get('content-range'), `bytes */${body.length}`)
    t.equal(beyond.headers.get('etag'), null, 'an error has none')
    await refused(t, beyond, 416, 'InvalidRange')
  })
})

t.test('who reads in pieces is told when the object is another one', async t => {
  await serveS3(t, async ({ bucket }) => {
    const put = await fetch(`${bucket}/a`, { method: 'PUT', body: 'x' })
    const etag = put.headers.get('etag') as string
    for (const [match, status] of [
      [etag, 200],
      ['*', 200],
      ['"other"', 412],
    ] as const) {
      const answer = await fetch(`${bucket}/a`, { headers: { 'if-match': match } })
      if (status === 200) t.equal(await answer.text(), 'x')
      else await refused(t, answer, 412, 'PreconditionFailed')
    }
  })
})

t.test('a conditional write is refused, and not done without its condition', async t => {
  await serveS3(t, async ({ bucket }) => {
    await fetch(`${bucket}/a`, { method: 'PUT', body: 'old' })
    const headers = { 'if-none-match': '*' }
    await refused(
      t,
      await fetch(`${bucket}/a`, { method: 'PUT', body: 'new', headers }),
      501,
      'NotImplemented',
    )
    t.equal(await (await fetch(`${bucket}/a`)).text(), 'old')
  })
})

t.test('an object is gone once it is deleted, and deleting it again is no error', async t => {
  await serveS3(t, async ({ bucket, folder }) => {
    await fetch(`${bucket}/a`, { method: 'PUT', body: 'x' })
    for (let i = 0; i < 2; i++) t.equal((await fetch(`${bucket}/a`, { method: 'DELETE' })).status, 204)
    await refused(t, await fetch(`${bucket}/a`), 404, 'NoSuchKey')
    t.equal((await fetch(`${bucket}/a`, { method: 'HEAD' })).status, 404)
    t.same(await readdir(`${folder}/buckets/bucket`), [])
  })
})

for (const framing of ['of a declared length', 'in chunks of HTTP']) {
  t.test(`an aws-chunked body ${framing} is decoded, signed or not, and its trailer verified`, async t => {
    await serveS3(t, async ({ bucket }) => {
      const body = randomBytes(FRAME_BYTES + 5)
      const sha256 = createHash('sha256').update(body).digest('base64')
      for (const signed of [true, false]) {
        const put = async (trailer: string): Promise<Response> => {
          const trailers = { 'x-amz-checksum-sha256': trailer }
          const chunks = [body.subarray(0, 65_536), body.subarray(65_536)]
          const encoded = encodeAwsChunked(chunks, { signed, trailers })
          return fetch(`${bucket}/a`, {
            method: 'PUT',
            body:
              framing === 'in chunks of HTTP' ? (Readable.toWeb(Readable.from([encoded])) as never) : encoded,
            duplex: 'half',
            headers: {
              'content-encoding': 'aws-chunked,gzip',
              'x-amz-decoded-content-length': String(body.length),
              'x-amz-trailer': 'x-amz-checksum-sha256',
            },
          } as RequestInit)
        }
        const stored = await put(sha256)
        t.equal(stored.status, 200)
        t.equal(stored.headers.get('x-amz-checksum-sha256'), sha256)
        const head = await fetch(`${bucket}/a`, { method: 'HEAD' })
        t.equal(head.headers.get('etag'), `"${md5(body)}"`)
        t.equal(head.headers.get('content-encoding'), 'gzip')
        await fetch(`${bucket}/a`, { method: 'DELETE' })
        await refused(t, await put('wrong'), 400, 'BadDigest')
        t.equal((await fetch(`${bucket}/a`, { method: 'HEAD' })).status, 404)
      }
    })
  })
}

t.test('a body of another length than was said is not stored', async t => {
  await serveS3(t, async ({ bucket, folder }) => {
    const encoded = encodeAwsChunked([Buffer.from('12345')])
    for (const [length, status, code] of [
      ['4', 400, 'IncompleteBody'],
      ['6', 400, 'IncompleteBody'],
      ['nonsense', 411, 'MissingContentLength'],
      ['-1', 411, 'MissingContentLength'],
    ] as const) {
      const headers = { 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': length }
      await refused(t, await fetch(`${bucket}/a`, { method: 'PUT', body: encoded, headers }), status, code)
    }
    const unknown = { method: 'PUT', body: Readable.toWeb(Readable.from(['x'])) as never, duplex: 'half' }
    await refused(t, await fetch(`${bucket}/a`, unknown as RequestInit), 411, 'MissingContentLength')
    t.same(await readdir(`${folder}/buckets/bucket`), [])
  })
})

t.test('an upload reserves what it decodes to and a frame of it, whatever it takes on the way', async t => {
  await serveS3(t, async ({ app, bucket }) => {
    const { budget } = app.plimsoll
    for (const [bytes, reserved] of [
      [1_000_000, 2_000_000],
      [FRAME_BYTES + 5, 2 * FRAME_BYTES + 5],
    ] as const) {
      const upload = request(`${bucket}/a`, {
        method: 'PUT',
        agent: false,
        headers: { 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': bytes },
      })
      upload.flushHeaders()
      await until(() => budget.reserved === reserved)
      upload.end(encodeAwsChunked([Buffer.alloc(bytes)]))
      const [answer] = await once(upload, 'response')
      await readRest(answer)
      t.equal(answer.statusCode, 200)
      await until(() => budget.reserved === 0)
    }
  })
})

t.test('an upload that is broken off leaves nothing', async t => {
  await serveS3(t, async ({ app, bucket, folder }) => {
    const upload = request(`${bucket}/half`, {
      method: 'PUT',
      agent: false,
      headers: { 'content-length': 1000 },
    })
    upload.on('error', () => {}).write(Buffer.alloc(500))
    await until(() => app.plimsoll.budget.reserved > 0)
    upload.destroy()
    await until(() => app.plimsoll.budget.reserved === 0)
    t.same(texts(await (await fetch(bucket)).text(), 'Key'), [])
    t.same(await readdir(`${folder}/buckets/bucket`), [])
  })
})

t.test('headers that are too many to be kept with an object are refused', async t => {
  await serveS3(t, async ({ bucket }) => {
    const headers = { 'x-amz-meta-long': 'x'.repeat(5000) }
    await refused(
      t,
      await fetch(`${bucket}/a`, { method: 'PUT', body: 'x', headers }),
      400,
      'MetadataTooLarge',
    )
  })
})

t.test('a damaged object is answered with an error, and with nothing of its own', async t => {
  await serveS3(t, async ({ bucket, folder }) => {
    await fetch(`${bucket}/a`, { method: 'PUT', body: 'some text' })
    const [name] = await readdir(`${folder}/buckets/bucket`)
    const file = `${folder}/buckets/bucket/${name}`
    const whole = await readFile(file)
    for (const place of [whole.length - 20, whole.indexOf('"etag"'), whole.indexOf('{')]) {
      const damaged = Buffer.from(whole)
      damaged.writeUInt8(damaged.readUInt8(place) ^ 1, place)
      await writeFile(file, damaged)
      const answer = await fetch(`${bucket}/a`)
      t.equal(answer.headers.get('etag'), null)
      await refused(t, answer, 500, 'InternalError')
    }
  })
})
