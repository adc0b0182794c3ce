import fc from 'fast-check'
import t from 'tap'
import { AwsChunkedDecoder, isAwsChunked } from '../../src/s3/aws-chunked.ts'
import { encodeAwsChunked } from './aws-chunked-encoder.ts'

/** The decoded body and its trailers, of an encoded body that comes in pieces. */
function decode(pieces: readonly Buffer[]): { body: Buffer; trailers: Record<string, string> } {
  const decoder = new AwsChunkedDecoder()
  const data: Buffer[] = []
  for (const piece of pieces) decoder.decode(piece, part => data.push(part))
  decoder.end()
  return { body: Buffer.concat(data), trailers: decoder.trailers }
}

function cut(encoded: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [0, ...places.map(place => place % (encoded.length + 1)).sort((a, b) => a - b), encoded.length]
  return cuts.slice(1).map((end, index) => encoded.subarray(cuts[index], end))
}

t.test('a body comes out as it went in, however it is chunked, signed, and cut by the network', async t => {
  const property = fc.property(
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 })),
    fc.boolean(),
    fc.dictionary(fc.constantFrom('x-amz-checksum-crc32', 'x-amz-meta', 'a'), fc.base64String()),
    fc.array(fc.nat()),
    (chunks, signed, trailers, places) => {
      const parts = chunks.map(chunk => Buffer.from(chunk))
      const decoded = decode(cut(encodeAwsChunked(parts, { signed, trailers }), places))
      return decoded.body.equals(Buffer.concat(parts)) && t.same(decoded.trailers, { ...trailers })
    },
  )
  fc.assert(property, { numRuns: 200 })
})

t.test('a body that is cut anywhere is incomplete', async t => {
  const encoded = encodeAwsChunked([Buffer.from('some'), Buffer.from('data')], {
    signed: true,
    trailers: { a: 'b' },
  })
  for (let end = 0; end < encoded.length; end++) {
    t.throws(() => decode([encoded.subarray(0, end)]), { code: 'IncompleteBody' }, String(end))
  }
  t.equal(decode([encoded]).body.toString(), 'somedata')
})

t.test('what is not well-formed is refused, and no line is held without a bound', async t => {
  for (const encoded of [
    'x\r\n',
    '-1\r\n',
    '0x5\r\nhello\r\n0\r\n\r\n',
    '\r\n',
    '5\r\nhello!\r\n0\r\n\r\n',
    `${'f'.repeat(11)}\r\n`,
    '0\r\nno colon\r\n\r\n',
    '0\r\n\r\nand more\r\n',
    `1;${'a'.repeat(1024)}\r\n`,
    'a'.repeat(1025),
    `0\r\n${'a:b\r\n'.repeat(17)}\r\n`,
  ]) {
    t.throws(
      () => decode([Buffer.from(encoded)]),
      { code: 'IncompleteBody', statusCode: 400 },
      encoded.slice(0, 30),
    )
  }
})

t.test('aws-chunked is told by either of two headers', async t => {
  t.ok(isAwsChunked({ 'content-encoding': 'aws-chunked' }))
  t.ok(isAwsChunked({ 'content-encoding': 'gzip, AWS-chunked' }))
  t.ok(isAwsChunked({ 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' }))
  t.notOk(isAwsChunked({ 'content-encoding': 'not-aws-chunked', 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }))
  t.notOk(isAwsChunked({}))
})
