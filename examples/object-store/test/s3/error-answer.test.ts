import t from 'tap'
import { ObjectStoreError } from '../../src/errors.ts'
import { toS3Error } from '../../src/s3/error-answer.ts'
import { S3Error } from '../../src/s3/s3-error.ts'

const withStatus = (statusCode: number) => Object.assign(new Error('as it was said'), { statusCode })

t.test('an error keeps its status, and gets the code that an SDK knows what to do about', async t => {
  for (const [status, code] of [
    [503, 'SlowDown'],
    [429, 'SlowDown'],
    [413, 'EntityTooLarge'],
    [411, 'MissingContentLength'],
    [408, 'RequestTimeout'],
    [400, 'InvalidRequest'],
    [415, 'InvalidRequest'],
  ] as const) {
    t.match(toS3Error(withStatus(status)), { code, statusCode: status, message: 'as it was said' })
  }
  t.match(toS3Error(new ObjectStoreError('ERR_OBJECT_NOT_FOUND', '')), { code: 'NoSuchKey', statusCode: 404 })
  const own = new S3Error('InvalidPart', '')
  t.equal(toS3Error(own), own)
})

t.test('what has failed within is not told', async t => {
  for (const error of [
    new Error('of whatever'),
    withStatus(500),
    new ObjectStoreError('ERR_OBJECT_CORRUPT', 'frame 3'),
  ]) {
    t.match(toS3Error(error), { code: 'InternalError', statusCode: 500, message: 'The server has failed' })
  }
})
