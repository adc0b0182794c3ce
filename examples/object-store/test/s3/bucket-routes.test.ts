import { mkdir } from 'node:fs/promises'
import t from 'tap'
import { refused, serveS3, texts } from './serve-s3.ts'

t.test('a bucket is made, found, listed and deleted, with a slash at its end and without', async t => {
  await serveS3(t, async ({ url }) => {
    for (const path of ['/second', '/third/']) {
      t.equal((await fetch(url + path, { method: 'PUT' })).status, 200)
      t.equal((await fetch(url + path, { method: 'HEAD' })).status, 200)
    }
    const list = await (await fetch(url)).text()
    t.same(texts(list, 'Name').sort(), ['bucket', 'second', 'third'])
    t.ok(texts(list, 'CreationDate').every(date => Math.abs(Date.parse(date) - Date.now()) < 60_000))
    for (const path of ['/second/', '/third']) {
      t.equal((await fetch(url + path, { method: 'DELETE' })).status, 204)
      t.equal((await fetch(url + path, { method: 'HEAD' })).status, 404)
    }
  })
})

t.test('a bucket is made once, and not by a name that is none or that is taken by another route', async t => {
  await serveS3(t, async ({ url }) => {
    await refused(t, await fetch(`${url}/bucket`, { method: 'PUT' }), 409, 'BucketAlreadyOwnedByYou')
    for (const name of ['objects', 'health', 'UPPER', 'a_b', 'x', '%2e%2e%2fescaped']) {
      await refused(t, await fetch(`${url}/${name}`, { method: 'PUT' }), 400, 'InvalidBucketName')
    }
  })
})

t.test('the region that a new bucket is to be in is read over', async t => {
  await serveS3(t, async ({ url }) => {
    const body =
      '<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>'
    t.equal((await fetch(`${url}/second`, { method: 'PUT', body })).status, 200)
  })
})

t.test('a bucket with an object in it is not deleted', async t => {
  await serveS3(t, async ({ bucket }) => {
    await fetch(`${bucket}/a`, { method: 'PUT', body: 'x' })
    await refused(t, await fetch(bucket, { method: 'DELETE' }), 409, 'BucketNotEmpty')
    t.equal(await (await fetch(`${bucket}/a`)).text(), 'x')
  })
})

t.test('a bucket has a location and no versions', async t => {
  await serveS3(t, async ({ bucket }) => {
    t.match(
      await (await fetch(`${bucket}?location`)).text(),
      /<LocationConstraint [^>]*><\/LocationConstraint>$/,
    )
    t.match(
      await (await fetch(`${bucket}/?versioning`)).text(),
      /<VersioningConfiguration [^>]*><\/Versioning/,
    )
  })
})

t.test('nothing is done to a bucket that is not there', async t => {
  await serveS3(t, async ({ url }) => {
    for (const [method, path, status = 404, code = 'NoSuchBucket'] of [
      ['DELETE', '/missing'],
      ['GET', '/missing?location'],
      ['GET', '/missing?versioning'],
      ['GET', '/missing'],
      ['GET', '/missing?list-type=2'],
      ['POST', '/missing?delete'],
      ['PUT', '/missing/key'],
      ['GET', '/missing/key'],
      ['DELETE', '/missing/key'],
      ['POST', '/missing/key?uploads'],
      ['GET', '/objects/a/b', 400, 'InvalidBucketName'],
    ] as const) {
      await refused(t, await fetch(url + path, { method }), status, code)
    }
  })
})

t.test('many objects are deleted at once, those that are not there too', async t => {
  await serveS3(t, async ({ bucket }) => {
    const deleteAll = (body: string) => fetch(`${bucket}?delete`, { method: 'POST', body })
    for (const key of ['a', 'b', 'c']) await fetch(`${bucket}/${key}`, { method: 'PUT', body: key })
    const answer = await deleteAll(
      '<Delete><Object><Key>a</Key></Object><Object><Key>none</Key></Object></Delete>',
    )
    t.same(texts(await answer.text(), 'Key'), ['a', 'none'])
    const quiet = await deleteAll('<Delete><Quiet>true</Quiet><Object><Key>b</Key></Object></Delete>')
    t.same(texts(await quiet.text(), 'Key'), [])
    t.same(texts(await (await fetch(bucket)).text(), 'Key'), ['c'])
    await refused(t, await deleteAll('<Delete><Object/></Delete>'), 400, 'MalformedXML')
    await refused(t, await deleteAll('no XML'), 400, 'MalformedXML')
    await refused(t, await deleteAll(''), 400, 'MalformedXML')
  })
})

t.test('an object that cannot be deleted is an error, and not one that is not there', async t => {
  await serveS3(t, async ({ bucket, folder }) => {
    // The SHA-256 of `a` is where its object would be.
    await mkdir(`${folder}/buckets/bucket/ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb`)
    await refused(t, await fetch(`${bucket}/a`, { method: 'DELETE' }), 500, 'InternalError')
  })
})
