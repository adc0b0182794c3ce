import t from 'tap'
import { parseMasterKey } from '../src/master-key.ts'

t.test('64 hex digits of either case are a key of 32 bytes', async t => {
  t.same(parseMasterKey('aB'.repeat(32)), Buffer.alloc(32, 0xab))
})

t.test('anything else is refused, and is not repeated in the message', async t => {
  for (const text of [
    '',
    'ab',
    'ab'.repeat(31),
    'ab'.repeat(33),
    `${'ab'.repeat(31)}zz`,
    `${'ab'.repeat(32)}\n`,
  ]) {
    t.throws(() => parseMasterKey(text), { message: 'OBJECT_STORE_KEY must be 64 hex digits' })
  }
})
