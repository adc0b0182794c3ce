import t from 'tap'
import {
  createHeader,
  MAX_ATTRIBUTE_BYTES,
  MAX_HEADER_BYTES,
  MAX_HEADER_KEY_BYTES,
  parseHeader,
} from '../src/object-header.ts'

t.test('a header is read back from the bytes it is stored in, whatever follows them', async t => {
  for (const attributes of ['', 'whät it is']) {
    const header = createHeader('kéy', 2 ** 40 + 1, attributes)
    t.same(parseHeader(Buffer.concat([header.encoded, Buffer.from('frames')])), header)
  }
})

t.test('the longest key and the longest attributes fit into the longest header', async t => {
  const longest = createHeader('k'.repeat(MAX_HEADER_KEY_BYTES), 0, 'a'.repeat(MAX_ATTRIBUTE_BYTES))
  t.equal(longest.encoded.length, MAX_HEADER_BYTES)
})

t.test('two headers of one object differ in their salt', async t => {
  t.notSame(createHeader('a', 1).salt, createHeader('a', 1).salt)
})

t.test('a header that is cut anywhere, or is none, is corrupt', async t => {
  const { encoded } = createHeader('key', 1, 'attributes')
  for (let length = 0; length < encoded.length; length++) {
    t.throws(() => parseHeader(encoded.subarray(0, length)), { code: 'ERR_OBJECT_CORRUPT' })
  }
  t.throws(() => parseHeader(Buffer.alloc(encoded.length)), { code: 'ERR_OBJECT_CORRUPT', statusCode: 500 })
})
