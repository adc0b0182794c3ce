import t from 'tap'
import { refused, serveS3, texts } from './serve-s3.ts'

const KEYS = ['a/1', 'a/2', 'b', 'c d&', 'e']

const VERSIONS = {
  ListObjects: { query: '', token: 'marker', next: 'NextMarker' },
  ListObjectsV2: { query: 'list-type=2&', token: 'continuation-token', next: 'NextContinuationToken' },
}

for (const [version, { query, token, next }] of Object.entries(VERSIONS)) {
  t.test(`${version} tells of every object, page by page`, async t => {
    await serveS3(t, async ({ bucket }) => {
      for (const key of KEYS)
        await fetch(`${bucket}/${encodeURIComponent(key)}`, { method: 'PUT', body: key })
      const list = async (parameters: string): Promise<string> =>
        (await fetch(`${bucket}/?${query}${parameters}`)).text()

      const all = await list('')
      t.same(texts(all, 'Key'), ['a/1', 'a/2', 'b', 'c d&amp;', 'e'])
      t.same(texts(all, 'Size'), ['3', '3', '1', '4', '1'])
      t.match(texts(all, 'ETag')[2], /^&quot;[0-9a-f]{32}&quot;$/)
      t.ok(texts(all, 'LastModified').every(date => Math.abs(Date.parse(date) - Date.now()) < 60_000))
      t.same(texts(all, 'IsTruncated'), ['false'])
      t.same(texts(all, 'Name'), ['bucket'])

      const names: string[] = []
      let from: string | undefined = ''
      while (from !== undefined) {
        const page: string = await list(
          `max-keys=2&delimiter=/&encoding-type=url${from && `&${token}=${from}`}`,
        )
        t.same(texts(page, 'MaxKeys'), ['2'])
        const [, ...prefixes] = texts(page, 'Prefix')
        names.push(...prefixes, ...texts(page, 'Key'))
        from = texts(page, next)[0]
      }
      t.same(names, ['a/', 'b', 'c%20d%26', 'e'])
      t.same(texts(await list('prefix=a/'), 'Key'), ['a/1', 'a/2'])
    })
  })
}

t.test('a list starts after a key, and counts', async t => {
  await serveS3(t, async ({ bucket }) => {
    for (const key of KEYS) await fetch(`${bucket}/${encodeURIComponent(key)}`, { method: 'PUT', body: key })
    const page = await (await fetch(`${bucket}?list-type=2&start-after=b&max-keys=5000`)).text()
    t.same(texts(page, 'Key'), ['c d&amp;', 'e'])
    t.same(texts(page, 'KeyCount'), ['2'])
    t.same(texts(page, 'MaxKeys'), ['1000'])
    const twice = await (await fetch(`${bucket}?prefix=e&prefix=a`)).text()
    t.same(texts(twice, 'Key'), ['e'], 'of two parameters by one name the first is meant')
    await refused(t, await fetch(`${bucket}?max-keys=-1`), 400, 'InvalidArgument')
  })
})

t.test('a list reserves little, and that until it is answered', async t => {
  await serveS3(
    t,
    async ({ app, bucket }) => {
      t.equal((await fetch(bucket)).status, 200)
      t.equal((await fetch(bucket, { method: 'HEAD' })).status, 200)
      t.equal(app.plimsoll.stats().refused.ERR_PLIMSOLL_COST_OVER_BUDGET, undefined)
    },
    { budget: '4MiB' },
  )
})
