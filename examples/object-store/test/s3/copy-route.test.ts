import { randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import { FRAME_BYTES } from '../../src/frame-layout.ts'
import { refused, serveS3, texts } from './serve-s3.ts'

function copy(target: string, source: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(target, { method: 'PUT', headers: { 'x-amz-copy-source': source, ...headers } })
}

t.test('a copy has the bytes, the ETag and the headers of its source', async t => {
  await serveS3(t, async ({ url, bucket }) => {
    await fetch(`${url}/other`, { method: 'PUT' })
    const body = randomBytes(FRAME_BYTES + 5)
    const headers = { 'x-amz-meta-mtime': '1', 'content-type': 'image/png' }
    const put = await fetch(`${bucket}/a%20b/c`, { method: 'PUT', body, headers })
    const copied = await copy(`${url}/other/copy`, '/bucket/a%20b/c')
    const etag = put.headers.get('etag') as string
    t.same(texts(await copied.text(), 'ETag'), [etag.replaceAll('"', '&quot;')])
    const answer = await fetch(`${url}/other/copy`)
    t.equal(answer.headers.get('etag'), etag)
    t.equal(answer.headers.get('x-amz-meta-mtime'), '1')
    t.equal(answer.headers.get('content-type'), 'image/png')
    t.ok(body.equals(Buffer.from(await answer.arrayBuffer())))
  })
})

t.test('an object that is copied onto itself gets other headers', async t => {
  await serveS3(t, async ({ bucket, folder }) => {
    await fetch(`${bucket}/a`, { method: 'PUT', body: 'x', headers: { 'x-amz-meta-mtime': '1' } })
    const headers = { 'x-amz-metadata-directive': 'REPLACE', 'x-amz-meta-mtime': '2' }
    t.equal((await copy(`${bucket}/a`, 'bucket/a', headers)).status, 200)
    const answer = await fetch(`${bucket}/a`)
    t.equal(answer.headers.get('x-amz-meta-mtime'), '2')
    t.equal(await answer.text(), 'x')
    t.equal((await readdir(`${folder}/buckets/bucket`)).length, 1)
  })
})

t.test('a source that is not there, or none, leaves no copy', async t => {
  await serveS3(t, async ({ bucket, folder }) => {
    await refused(t, await copy(`${bucket}/b`, '/bucket/missing'), 404, 'NoSuchKey')
    await refused(t, await copy(`${bucket}/b`, '/missing/a'), 404, 'NoSuchBucket')
    for (const source of ['', 'bucket', '/bucket/', '/bucket/%', '/bucket/..', '/bucket/a?versionId=1']) {
      await refused(t, await copy(`${bucket}/b`, source), 400, 'InvalidArgument')
    }
    t.same(await readdir(`${folder}/buckets/bucket`), [])
  })
})

t.test('a damaged source leaves no copy, and a condition no unconditional one', async t => {
  await serveS3(t, async ({ bucket, folder }) => {
    await fetch(`${bucket}/a`, { method: 'PUT', body: 'some text' })
    const headers = { 'x-amz-copy-source-if-match': '"x"' }
    await refused(t, await copy(`${bucket}/b`, '/bucket/a', headers), 501, 'NotImplemented')
    const [name] = await readdir(`${folder}/buckets/bucket`)
    const file = `${folder}/buckets/bucket/${name}`
    const bytes = await readFile(file)
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 20) ^ 1, bytes.length - 20)
    await writeFile(file, bytes)
    await refused(t, await copy(`${bucket}/b`, '/bucket/a'), 500, 'InternalError')
    t.same(await readdir(`${folder}/buckets/bucket`), [name])
  })
})
