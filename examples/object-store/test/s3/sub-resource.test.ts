import t from 'tap'
import { subResource } from '../../src/s3/sub-resource.ts'

const of = (url: string | undefined, headers = {}) =>
  subResource.deriveConstraint({ ...(url !== undefined && { url }), headers })

t.test('signatures and what shapes a list choose no operation', async t => {
  for (const query of [
    '',
    '?',
    '?x-id=PutObject',
    '?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-Signature=b&X-Amz-Expires=60',
    '?AWSAccessKeyId=a&Signature=b&Expires=1',
    '?prefix=a&delimiter=/&max-keys=3&marker=b&encoding-type=url',
  ]) {
    t.equal(of(`/b/k${query}`), 'plain', query)
  }
  t.equal(of(undefined), 'plain')
})

t.test('all other names choose one together, in whatever order they stand', async t => {
  t.equal(of('/b/k?uploads'), 'uploads')
  t.equal(of('/b/k?uploads='), 'uploads')
  t.equal(of('/b/k?uploadId=1&partNumber=2&x-id=UploadPart'), 'partNumber&uploadId')
  t.equal(of('/b/k?partNumber=2&uploadId=1'), 'partNumber&uploadId')
  t.equal(of('/b/k?acl'), 'acl')
  t.equal(of('/b/k?acl=%3F'), 'acl')
  t.equal(of('/b?list-type=2&prefix=x'), 'list-type')
})

t.test('a copy is told by its header', async t => {
  t.equal(of('/b/k', { 'x-amz-copy-source': '/b/other' }), 'copy')
  t.equal(of('/b/k?partNumber=1&uploadId=2', { 'x-amz-copy-source': '/b/other' }), 'copy&partNumber&uploadId')
})
