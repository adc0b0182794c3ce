import t from 'tap'
import { BodyChecks } from '../../src/s3/body-checks.ts'

/** Of `The quick brown fox jumps over the lazy dog`, from their specifications and Wikipedia. */
const SUMS = {
  'x-amz-checksum-crc32': Buffer.from('414fa339', 'hex').toString('base64'),
  'x-amz-checksum-sha1': 'L9ThxnotKPzthJ7hu3bnORuT6xI=',
  'x-amz-checksum-sha256': '16j7swfXgJRpypq8sAguT41WUeRtPNt2LQLQvzfJ5ZI=',
}
const MD5 = '9e107d9d372bb6826bd81d3542a419d6'
const BODY = Buffer.from('The quick brown fox jumps over the lazy dog')

function check(headers: Record<string, string>, trailers: Record<string, string> = {}) {
  const checks = new BodyChecks(headers)
  checks.update(BODY.subarray(0, 10))
  checks.update(BODY.subarray(10))
  return checks.verify(trailers)
}

t.test('each sum is verified, in a header or in a trailer', async t => {
  t.same(check({ 'content-md5': Buffer.from(MD5, 'hex').toString('base64') }), { md5: MD5, checksums: {} })
  for (const [name, sum] of Object.entries(SUMS)) {
    t.same(check({ [name]: sum }).checksums, { [name]: sum })
    t.same(check({ 'x-amz-trailer': name }, { [name]: sum }).checksums, { [name]: sum })
  }
  t.same(check({ ...SUMS }).checksums, SUMS)
})

t.test('a sum that is wrong, or was announced and did not come, is refused', async t => {
  const refusal = { code: 'BadDigest', statusCode: 400 }
  t.throws(() => check({ 'content-md5': 'wrong' }), refusal)
  for (const name of Object.keys(SUMS)) {
    t.throws(() => check({ [name]: 'wrong' }), refusal, name)
    t.throws(() => check({ 'x-amz-trailer': name.toUpperCase() }, { [name]: 'wrong' }), refusal, name)
    t.throws(() => check({ 'x-amz-trailer': `a, ${name}` }), refusal, name)
  }
})

t.test('sums that are not known here are ignored', async t => {
  t.same(check({ 'x-amz-checksum-crc32c': 'x', 'x-amz-trailer': 'x-amz-checksum-crc64nvme' }).checksums, {})
})
