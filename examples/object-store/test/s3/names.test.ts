import t from 'tap'
import { checkBucketName, checkKey } from '../../src/s3/names.ts'

t.test('a bucket name is a name in S3, and here a folder and a path of its own', async t => {
  for (const name of ['abc', 'a1.b2-c3', '0'.repeat(63), 'a--b'])
    t.doesNotThrow(() => checkBucketName(name), name)
  for (const name of [
    '',
    'ab',
    'a'.repeat(64),
    'Abc',
    'a_b',
    '.abc',
    'abc.',
    'abc-',
    '-abc',
    'a..b',
    '...',
    'a/b',
    'abc\n',
    'objects',
    'health',
    'metrics',
    'healthz',
    'readyz',
  ]) {
    t.throws(() => checkBucketName(name), { code: 'InvalidBucketName', statusCode: 400 }, name)
  }
})

t.test('a key is any text that every client sends as it is', async t => {
  for (const key of ['a', 'a/b//c/', '/a', '...', 'a\\b', '🚢 &<>"', '__proto__', 'é'.repeat(512)]) {
    t.doesNotThrow(() => checkKey(key), key)
  }
  for (const key of ['', '.', '..', 'a/../b', './a', 'a/.', 'a\0', 'a\nb', '\x85', 'a\uFFFF']) {
    t.throws(() => checkKey(key), { code: 'InvalidArgument', statusCode: 400 }, JSON.stringify(key))
  }
  t.throws(() => checkKey('é'.repeat(513)), { code: 'KeyTooLongError' })
})
