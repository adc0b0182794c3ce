import t from 'tap'
import { createHeader } from '../../src/object-header.ts'
import {
  attributesOf,
  encodeAttributes,
  keptHeaders,
  responseHeaders,
} from '../../src/s3/object-attributes.ts'

t.test('of the headers of an upload those are kept that tell of the object', async t => {
  const headers = {
    host: 'here',
    'content-type': 'image/png',
    'content-length': '5',
    'content-encoding': 'gzip',
    'content-md5': 'x',
    'cache-control': 'no-store',
    authorization: 'AWS4-HMAC-SHA256 …',
    'x-amz-meta-mtime': '1.5',
    'x-amz-checksum-crc32': 'x',
    'set-cookie': ['a'],
  }
  t.same(keptHeaders(headers), {
    'content-type': 'image/png',
    'content-encoding': 'gzip',
    'cache-control': 'no-store',
    'x-amz-meta-mtime': '1.5',
  })
})

t.test('aws-chunked is no encoding of the object', async t => {
  for (const [sent, kept] of [
    ['aws-chunked', undefined],
    ['aws-chunked,gzip', 'gzip'],
    ['aws-chunked, gzip', 'gzip'],
    ['gzip,aws-chunked', 'gzip'],
    ['gzip, br', 'gzip, br'],
  ]) {
    t.equal(keptHeaders({ 'content-encoding': sent })['content-encoding'], kept, String(sent))
  }
})

t.test('attributes come back from the header they stand in, and make an answer', async t => {
  const attributes = { etag: 'abc-2', modified: 0, headers: { 'x-amz-meta-a': 'ü' } }
  const read = attributesOf(createHeader('k', 1, encodeAttributes(attributes)))
  t.same(read, attributes)
  t.same(responseHeaders(read), {
    'content-type': 'binary/octet-stream',
    'x-amz-meta-a': 'ü',
    etag: '"abc-2"',
    'last-modified': 'Thu, 01 Jan 1970 00:00:00 GMT',
    'accept-ranges': 'bytes',
  })
})

t.test('attributes that are too long are refused, and damaged ones are corrupt', async t => {
  const headers = { 'x-amz-meta-a': 'a'.repeat(4096) }
  t.throws(() => encodeAttributes({ etag: '', modified: 0, headers }), { code: 'MetadataTooLarge' })
  t.throws(() => attributesOf(createHeader('k', 1, '{')), { code: 'ERR_OBJECT_CORRUPT' })
})
