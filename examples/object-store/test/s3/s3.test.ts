import t from 'tap'
import { FRAME_BYTES } from '../../src/frame-layout.ts'
import { until } from '../serve.ts'
import { refused, serveS3 } from './serve-s3.ts'

t.test('an operation that is not known is refused, and not taken for another', async t => {
  await serveS3(t, async ({ url, bucket }) => {
    await fetch(`${bucket}/a`, { method: 'PUT', body: 'kept' })
    for (const [method, path] of [
      ['PUT', '/bucket/a?acl'],
      ['PUT', '/bucket/a?tagging'],
      ['PUT', '/bucket/a?partNumber=1'],
      ['PUT', '/bucket?policy'],
      ['GET', '/bucket/a?versionId=1'],
      ['DELETE', '/bucket/a?versionId=1'],
      ['DELETE', '/bucket/?lifecycle'],
      ['GET', '/bucket?uploads'],
      ['POST', '/bucket/a'],
      ['POST', '/'],
    ] as const) {
      const body = method === 'PUT' ? { body: 'x' } : {}
      await refused(t, await fetch(url + path, { method, ...body }), 501, 'NotImplemented')
    }
    t.equal(await (await fetch(`${bucket}/a`)).text(), 'kept')
  })
})

t.test('signatures of either version are accepted, in headers and in the query, and so is none', async t => {
  await serveS3(t, async ({ bucket }) => {
    const presigned = 'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2F20260101&X-Amz-Signature=00'
    for (const [query, headers] of [
      ['', {}],
      [
        '',
        { authorization: 'AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, Signature=00' },
      ],
      ['', { authorization: 'AWS a:b=', 'x-amz-date': 'x' }],
      [`?${presigned}`, {}],
      ['?AWSAccessKeyId=a&Signature=b%3D&Expires=1', {}],
    ] as const) {
      t.equal((await fetch(`${bucket}/a${query}`, { method: 'PUT', body: 'x', headers })).status, 200)
      t.equal(await (await fetch(`${bucket}/a${query}`, { headers })).text(), 'x')
    }
  })
})

t.test('the store beside the buckets is as it was, and neither shows what the other has', async t => {
  await serveS3(t, async ({ url, bucket }) => {
    t.equal((await fetch(`${url}/objects/a`, { method: 'PUT', body: 'beside' })).status, 201)
    t.equal((await fetch(`${bucket}/b`, { method: 'PUT', body: 'x' })).status, 200)
    t.same(await (await fetch(`${url}/objects`)).json(), [{ key: 'a', bytes: 6 }])
    t.match(await (await fetch(bucket)).text(), /<Key>b<\/Key>/)
    t.equal(
      ((await (await fetch(`${url}/objects/missing`)).json()) as { code: string }).code,
      'ERR_OBJECT_NOT_FOUND',
    )
    t.equal((await fetch(`${url}/health`)).status, 200)
  })
})

t.test('who finds no room is told to slow down, and when to come back', async t => {
  await serveS3(
    t,
    async ({ app, bucket }) => {
      const { budget } = app.plimsoll
      const all = budget.tryAcquire(budget.capacity)
      const queue = new AbortController()
      const { signal } = queue
      const waiting = Array.from({ length: budget.queue.limit }, () =>
        budget.acquire(FRAME_BYTES, { signal }),
      )
      for (const method of ['PUT', 'GET']) {
        const late = await fetch(`${bucket}/a`, {
          method,
          ...(method === 'PUT' && { body: Buffer.alloc(FRAME_BYTES) }),
        })
        t.match(late.headers.get('retry-after'), /^\d+$/)
        await refused(t, late, 503, 'SlowDown')
      }
      t.equal((await fetch(bucket, { method: 'HEAD' })).status, 200, 'what costs nothing passes')
      queue.abort()
      await Promise.allSettled(waiting)
      all?.release()
      t.equal((await fetch(`${bucket}/a`, { method: 'PUT', body: 'x' })).status, 200)
    },
    { budget: 2 * FRAME_BYTES },
  )
})

t.test('an object that can never be put is refused before it is sent, by its decoded length too', async t => {
  await serveS3(
    t,
    async ({ app, bucket }) => {
      await refused(
        t,
        await fetch(`${bucket}/a`, { method: 'PUT', body: Buffer.alloc(200_000) }),
        413,
        'EntityTooLarge',
      )
      const headers = { 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': '100001' }
      const body = Buffer.alloc(1000)
      await refused(t, await fetch(`${bucket}/a`, { method: 'PUT', body, headers }), 413, 'EntityTooLarge')
      t.equal((await fetch(`${bucket}/a`, { method: 'PUT', body: Buffer.alloc(100_000) })).status, 200)
      await until(() => app.plimsoll.budget.reserved === 0)
    },
    { bodyLimit: 100_000 },
  )
})
