import t from 'tap'
import { decodedLength, longestEncoding } from '../../src/s3/body-length.ts'
import { encodeAwsChunked } from './aws-chunked-encoder.ts'

t.test('a body is as long as it will be once it is decoded', async t => {
  t.equal(decodedLength({ 'content-length': '5' }), 5)
  const chunked = { 'content-encoding': 'aws-chunked', 'content-length': '90' }
  t.equal(decodedLength({ ...chunked, 'x-amz-decoded-content-length': '5' }), 5)
  for (const headers of [{}, chunked, { 'content-length': '1e3' }, { 'content-length': '1'.repeat(16) }]) {
    t.equal(decodedLength(headers), undefined)
  }
})

t.test('the longest encoding holds chunks of 8 KiB, signed and with trailers', async t => {
  for (const chunks of [0, 1, 100]) {
    const body = Array.from({ length: chunks }, () => Buffer.alloc(8192))
    const trailers = { 'x-amz-checksum-sha256': 'x'.repeat(44), 'x-amz-trailer-signature': 'x'.repeat(64) }
    t.ok(encodeAwsChunked(body, { signed: true, trailers }).length <= longestEncoding(chunks * 8192))
  }
})
