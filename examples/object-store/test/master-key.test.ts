import t from 'tap'
import { masterKeyOf, parseMasterKey } from '../src/master-key.ts'

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

t.test('the key is that of the environment, or else one of its own', async t => {
  t.same(masterKeyOf({ OBJECT_STORE_KEY: 'aB'.repeat(32) }), Buffer.alloc(32, 0xab))
  t.throws(() => masterKeyOf({ OBJECT_STORE_KEY: '' }), { message: 'OBJECT_STORE_KEY must be 64 hex digits' })
  const [one, other] = [masterKeyOf({}), masterKeyOf({})]
  t.equal(one.length, 32)
  t.notSame(one, other)
})
