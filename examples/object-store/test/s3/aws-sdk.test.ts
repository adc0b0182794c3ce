import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import t, { type Test } from 'tap'
import { until } from '../serve.ts'
import { Flood } from './flood.ts'
import { serveS3 } from './serve-s3.ts'
import { watchRequests } from './watch-requests.ts'

const MIB = 1024 * 1024

// Bounded by the flood, which ends by itself.
t.setTimeout(240_000)

function clientOf(t: Test, endpoint: string): S3Client {
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'any', secretAccessKey: 'thing' },
  })
  t.teardown(() => client.destroy())
  return client
}

function piecesOf(body: Buffer): Readable {
  const pieces = Array.from({ length: Math.ceil(body.length / 100_000) }, (_, piece) =>
    body.subarray(piece * 100_000, (piece + 1) * 100_000),
  )
  return Readable.from(pieces, { objectMode: false })
}

/** Byte for byte, as it comes. */
async function isSame(expected: Buffer, received: unknown): Promise<boolean> {
  let at = 0
  for await (const chunk of received as AsyncIterable<Buffer>) {
    if (!expected.subarray(at, at + chunk.length).equals(chunk)) return false
    at += chunk.length
  }
  return at === expected.length
}

t.test('the AWS SDK puts, reads, lists and deletes objects', async t => {
  const watched = watchRequests(t)
  await serveS3(t, async ({ url }) => {
    const client = clientOf(t, url)
    const Bucket = 'sdk-bucket'
    await client.send(new CreateBucketCommand({ Bucket }))
    const body = randomBytes(10 * MIB)
    const md5 = createHash('md5').update(body).digest('hex')

    const put = await client.send(
      new PutObjectCommand({ Bucket, Key: 'a folder/ü+&.bin', Body: body, Metadata: { by: 'test' } }),
    )
    t.equal(put.ETag, `"${md5}"`)
    t.equal(put.ChecksumCRC32?.length, 8, 'the sum that the SDK sends by itself was verified')
    t.equal(watched.arrived.at(-1)?.expect, '100-continue')

    // A stream goes as aws-chunked, with the sum in a trailer.
    const ContentLength = body.length
    await client.send(new PutObjectCommand({ Bucket, Key: 'streamed', Body: piecesOf(body), ContentLength }))

    for (const Key of ['a folder/ü+&.bin', 'streamed']) {
      const head = await client.send(new HeadObjectCommand({ Bucket, Key }))
      t.equal(head.ContentLength, body.length)
      t.equal(head.ETag, `"${md5}"`)
      const whole = await client.send(new GetObjectCommand({ Bucket, Key }))
      t.ok(await isSame(body, whole.Body))
      const part = await client.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=8388600-8388615' }))
      t.equal(part.ContentRange, `bytes 8388600-8388615/${body.length}`)
      t.ok(await isSame(body.subarray(8388600, 8388616), part.Body))
    }
    const folder = await client.send(new ListObjectsV2Command({ Bucket, Delimiter: '/' }))
    t.same(folder.CommonPrefixes, [{ Prefix: 'a folder/' }])
    t.match(folder.Contents, [{ Key: 'streamed', Size: body.length, ETag: `"${md5}"` }])
    t.equal(folder.Contents?.length, 1)

    await client.send(new DeleteObjectCommand({ Bucket, Key: 'streamed' }))
    await t.rejects(client.send(new GetObjectCommand({ Bucket, Key: 'streamed' })), { name: 'NoSuchKey' })
    await client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'a folder/ü+&.bin' }] } }),
    )
    t.equal((await client.send(new ListObjectsV2Command({ Bucket }))).KeyCount, 0)
  })
})

t.test('the AWS SDK comes back by itself when it was told to slow down', async t => {
  await serveS3(t, async ({ app, url }) => {
    const client = clientOf(t, url)
    const { budget } = app.plimsoll
    const all = budget.tryAcquire(budget.capacity)
    const queue = new AbortController()
    const { signal } = queue
    const waiting = Array.from({ length: budget.queue.limit }, () => budget.acquire(MIB, { signal }))
    const put = client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'a', Body: randomBytes(8 * MIB) }))
    await until(() => app.plimsoll.stats().refused.ERR_PLIMSOLL_QUEUE_FULL === 1)
    queue.abort()
    await Promise.allSettled(waiting)
    all?.release()
    t.equal((await put).$metadata.attempts, 2)
  })
})

t.test('lib-storage uploads 100 MiB under a flood, and gets them back byte for byte', async t => {
  const watched = watchRequests(t)
  await serveS3(t, async ({ url }) => {
    const flood = new Flood(url)
    t.teardown(() => flood.stop())
    const client = clientOf(t, url)
    const Bucket = 'sdk-bucket'
    await client.send(new CreateBucketCommand({ Bucket }))
    const body = randomBytes(100 * MIB)

    const upload = new Upload({ client, params: { Bucket, Key: 'big', Body: piecesOf(body) }, queueSize: 10 })
    const { ETag } = await upload.done()
    t.match(ETag, /^"[0-9a-f]{32}-20"$/)
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'big' }))
    t.ok(await isSame(body, Body))
    t.ok(flood.high, 'the flood was there from the beginning to the end')

    const parts = watched.arrived.filter(({ url }) => url.startsWith('/sdk-bucket/big?partNumber='))
    t.ok(parts.length >= 20)
    t.ok(parts.every(({ expect }) => expect === '100-continue'))
    t.ok(
      watched.queued.some(url => url.startsWith('/sdk-bucket/big?partNumber=')),
      'parts have waited',
    )

    const { stored, others } = await flood.stop()
    t.same(others, [], 'of the flood all are stored, too')
    t.comment(`flood: ${stored} uploads; waited: ${watched.queued.length}`)
  })
})
