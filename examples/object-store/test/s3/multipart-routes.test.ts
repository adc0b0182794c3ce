import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { Readable } from 'node:stream'
import t from 'tap'
import { FRAME_BYTES } from '../../src/frame-layout.ts'
import { memoryS3Storage } from '../../src/s3/s3-storage.ts'
import { metric, until } from '../serve.ts'
import { refused, type ServedS3, serveS3, texts } from './serve-s3.ts'

const md5 = (body: Buffer): Buffer => createHash('md5').update(body).digest()

async function begin(bucket: string, key: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await fetch(`${bucket}/${key}?uploads`, { method: 'POST', headers })
  return texts(await answer.text(), 'UploadId')[0] as string
}

function putPart(
  bucket: string,
  key: string,
  id: string,
  number: number | string,
  body: Buffer,
): Promise<Response> {
  return fetch(`${bucket}/${key}?partNumber=${number}&uploadId=${id}`, {
    method: 'PUT',
    body: new Uint8Array(body),
  })
}

function complete(
  bucket: string,
  key: string,
  id: string,
  parts: readonly [number, string][],
): Promise<Response> {
  const list = parts.map(
    ([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`,
  )
  const body = `<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`
  return fetch(`${bucket}/${key}?uploadId=${id}`, { method: 'POST', body })
}

/** What is left of unfinished uploads, and of objects. */
async function files({ folder }: ServedS3): Promise<{ uploads: number; objects: number }> {
  const uploads = await readdir(`${folder}/uploads`)
  return { uploads: uploads.length, objects: (await readdir(`${folder}/buckets/bucket`)).length }
}

const SIZES = {
  'of a frame': [FRAME_BYTES, FRAME_BYTES, 5],
  'of other sizes': [5_000_000, 5_000_000, 7],
  empty: [0],
}

for (const [kind, sizes] of Object.entries(SIZES)) {
  t.test(`parts ${kind}, put in any order, become one object`, async t => {
    await serveS3(t, async served => {
      const { bucket, url } = served
      const id = await begin(bucket, 'dir/big', { 'content-type': 'image/png', 'x-amz-meta-a': 'b' })
      const parts = sizes.map(size => randomBytes(size))
      for (const number of [...parts.keys()].reverse()) {
        const put = await putPart(bucket, 'dir/big', id, 10 * (number + 1), parts[number] as Buffer)
        t.equal(put.headers.get('etag'), `"${md5(parts[number] as Buffer).toString('hex')}"`)
      }
      const listed = await (await fetch(`${bucket}/dir/big?uploadId=${id}&max-parts=5`)).text()
      t.same(
        texts(listed, 'PartNumber'),
        parts.map((_, index) => String(10 * (index + 1))),
      )
      t.same(texts(listed, 'Size'), sizes.map(String))
      t.equal((await fetch(`${bucket}/dir/big`)).status, 404, 'nobody sees it before')

      const etags = parts.map(
        (part, index) => [10 * (index + 1), `"${md5(part).toString('hex')}"`] as [number, string],
      )
      const done = await complete(bucket, 'dir/big', id, etags)
      t.equal(done.status, 200)
      const etag = `${createHash('md5')
        .update(Buffer.concat(parts.map(md5)))
        .digest('hex')}-${parts.length}`
      t.same(texts(await done.text(), 'ETag'), [`&quot;${etag}&quot;`])

      const whole = Buffer.concat(parts)
      const answer = await fetch(`${bucket}/dir/big`)
      t.equal(answer.headers.get('etag'), `"${etag}"`)
      t.equal(answer.headers.get('content-type'), 'image/png')
      t.equal(answer.headers.get('x-amz-meta-a'), 'b')
      t.ok(whole.equals(Buffer.from(await answer.arrayBuffer())))
      t.same(await files(served), { uploads: 0, objects: 1 })
      t.ok(
        (await metric(url, 'object_store_live_frames_peak')) <= 2,
        'of all parts never more than two frames',
      )
      await refused(t, await complete(bucket, 'dir/big', id, etags), 404, 'NoSuchUpload')
    })
  })
}

t.test('a part that is put again replaces the one before, and who chooses the old one is told', async t => {
  await serveS3(t, async ({ bucket }) => {
    const id = await begin(bucket, 'a')
    const old = (await putPart(bucket, 'a', id, 1, Buffer.from('old'))).headers.get('etag') as string
    const etag = (await putPart(bucket, 'a', id, 1, Buffer.from('new'))).headers.get('etag') as string
    await refused(t, await complete(bucket, 'a', id, [[1, old]]), 400, 'InvalidPart')
    t.equal((await complete(bucket, 'a', id, [[1, etag]])).status, 200)
    t.equal(await (await fetch(`${bucket}/a`)).text(), 'new')
  })
})

t.test('parts that were not put, or not in their order, or none, make no object', async t => {
  await serveS3(t, async served => {
    const { bucket } = served
    const id = await begin(bucket, 'a')
    const etag = (await putPart(bucket, 'a', id, 1, Buffer.from('x'))).headers.get('etag') as string
    await putPart(bucket, 'a', id, 2, Buffer.from('x'))
    for (const [parts, code] of [
      [[[3, etag]], 'InvalidPart'],
      [[[1, '']], 'InvalidPart'],
      [
        [
          [2, etag],
          [1, etag],
        ],
        'InvalidPartOrder',
      ],
      [
        [
          [1, etag],
          [1, etag],
        ],
        'InvalidPartOrder',
      ],
      [[], 'MalformedXML'],
    ] as [[number, string][], string][]) {
      await refused(t, await complete(bucket, 'a', id, parts), 400, code)
    }
    await refused(t, await fetch(`${bucket}/a?uploadId=${id}`, { method: 'POST' }), 400, 'MalformedXML')
    for (const number of ['0', '-1', '10001', 'x', '1.5']) {
      await refused(t, await putPart(bucket, 'a', id, number, Buffer.from('x')), 400, 'InvalidArgument')
    }
    const unknown = { method: 'POST', body: Readable.toWeb(Readable.from(['<a/>'])) as never, duplex: 'half' }
    const answer = await fetch(`${bucket}/a?uploadId=${id}`, unknown as RequestInit)
    await refused(t, answer, 411, 'MissingContentLength')
    t.same(await files(served), { uploads: 1, objects: 0 })
  })
})

t.test('an aborted upload leaves no parts, and takes none', async t => {
  await serveS3(t, async served => {
    const { bucket } = served
    const id = await begin(bucket, 'a')
    const etag = (await putPart(bucket, 'a', id, 1, Buffer.from('x'))).headers.get('etag') as string
    t.equal((await fetch(`${bucket}/a?uploadId=${id}`, { method: 'DELETE' })).status, 204)
    t.same(await files(served), { uploads: 0, objects: 0 })
    await refused(t, await putPart(bucket, 'a', id, 2, Buffer.from('x')), 404, 'NoSuchUpload')
    await refused(t, await complete(bucket, 'a', id, [[1, etag]]), 404, 'NoSuchUpload')
    await refused(t, await fetch(`${bucket}/a?uploadId=${id}`, { method: 'DELETE' }), 404, 'NoSuchUpload')
    await refused(t, await fetch(`${bucket}/a?uploadId=${id}`), 404, 'NoSuchUpload')
  })
})

t.test('an upload is one of its key and bucket, and an id is no path', async t => {
  await serveS3(t, async ({ url, bucket }) => {
    await fetch(`${url}/other`, { method: 'PUT' })
    const id = await begin(bucket, 'a')
    for (const [target, upload] of [
      [`${bucket}/b`, id],
      [`${url}/other/a`, id],
      [`${bucket}/a`, ''],
      [`${bucket}/a`, '..%2fbuckets%2fbucket'],
      [`${bucket}/a`, id.toUpperCase()],
    ] as const) {
      const answer = await fetch(`${target}?uploadId=${upload}`, { method: 'DELETE' })
      await refused(t, answer, 404, 'NoSuchUpload')
    }
    t.equal((await putPart(bucket, 'a', id, 1, Buffer.from('x'))).status, 200)
  })
})

t.test('parts are listed in pages of a thousand', async t => {
  await serveS3(t, async ({ bucket }) => {
    const id = await begin(bucket, 'a')
    // Fewer than a page: the marker alone is what moves on.
    for (const number of [1, 2, 3]) await putPart(bucket, 'a', id, number, Buffer.from('x'))
    const rest = await (await fetch(`${bucket}/a?uploadId=${id}&part-number-marker=1`)).text()
    t.same(texts(rest, 'PartNumber'), ['2', '3'])
    t.same(texts(rest, 'NextPartNumberMarker'), ['3'])
    t.same(texts(rest, 'IsTruncated'), ['false'])
  })
})

t.test('what an upload is begun with must fit beside its object', async t => {
  await serveS3(t, async served => {
    const headers = { 'x-amz-meta-long': 'x'.repeat(5000) }
    const answer = await fetch(`${served.bucket}/a?uploads`, { method: 'POST', headers })
    await refused(t, answer, 400, 'MetadataTooLarge')
    t.same(await files(served), { uploads: 0, objects: 0 })
  })
})

t.test('a part with nothing in it needs no length', async t => {
  await serveS3(t, async ({ bucket }) => {
    const id = await begin(bucket, 'a')
    const put = await fetch(`${bucket}/a?partNumber=1&uploadId=${id}`, { method: 'PUT' })
    t.equal(put.headers.get('etag'), `"${md5(Buffer.alloc(0)).toString('hex')}"`)
  })
})

t.test('completing waits for four frames, and gives back what small parts do not need', async t => {
  await serveS3(
    t,
    async ({ app, bucket }) => {
      const id = await begin(bucket, 'a')
      const etag = (await putPart(bucket, 'a', id, 1, Buffer.alloc(1000))).headers.get('etag') as string
      await until(() => app.plimsoll.budget.reserved === 0)
      const held = app.plimsoll.budget.tryAcquire(1000)
      const done = complete(bucket, 'a', id, [[1, etag]])
      await until(() => app.plimsoll.budget.waiting === 1)
      held?.release()
      t.equal((await done).status, 200)
    },
    { budget: 4 * FRAME_BYTES + 1000 },
  )
})

t.test('it all works in memory too, ungoverned', async t => {
  const s3Storage = memoryS3Storage()
  await s3Storage.buckets.create('bucket')
  await serveS3(
    t,
    async ({ bucket }) => {
      const id = await begin(bucket, 'a')
      const etag = (await putPart(bucket, 'a', id, 1, Buffer.from('part'))).headers.get('etag') as string
      t.equal((await complete(bucket, 'a', id, [[1, etag]])).status, 200)
      const copied = await fetch(`${bucket}/b`, {
        method: 'PUT',
        headers: { 'x-amz-copy-source': '/bucket/a' },
      })
      t.equal(copied.status, 200)
      t.equal(await (await fetch(`${bucket}/b`)).text(), 'part')
    },
    { s3Storage, governed: false },
  )
})
