import { randomBytes } from 'node:crypto'
import t from 'tap'
import { FrameCipher } from '../src/frame-cipher.ts'
import { FRAME_BYTES } from '../src/frame-layout.ts'
import { createHeader, parseHeader } from '../src/object-header.ts'

const MASTER_KEY = randomBytes(32)
const CORRUPT = { code: 'ERR_OBJECT_CORRUPT', statusCode: 500 }
const PLAINTEXT = Buffer.from('as good as a whole frame')

const header = createHeader('a', 3 * FRAME_BYTES)
const cipher = new FrameCipher(MASTER_KEY, header)
const sealed = cipher.seal(1, PLAINTEXT)

t.test('a frame opens in its place', async t => {
  t.same(cipher.open(1, sealed), PLAINTEXT)
  t.notSame(sealed.ciphertext, PLAINTEXT)
})

t.test('a frame opens in no other place', async t => {
  t.throws(() => cipher.open(0, sealed), CORRUPT)
  t.throws(() => cipher.open(2, sealed), CORRUPT)
})

t.test('a frame in the middle does not pass for the last', async t => {
  const shorter = { ...header, bytes: 2 * FRAME_BYTES }
  t.throws(() => new FrameCipher(MASTER_KEY, shorter).open(1, sealed), CORRUPT)
})

t.test('a changed bit of ciphertext, tag or header is noticed', async t => {
  for (const part of ['ciphertext', 'tag'] as const) {
    const changed = Buffer.from(sealed[part])
    changed.writeUInt8(changed.readUInt8(0) ^ 1)
    t.throws(() => cipher.open(1, { ...sealed, [part]: changed }), CORRUPT, part)
  }
  for (let at = 0; at < header.encoded.length; at++) {
    const changed = Buffer.from(header.encoded)
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
    t.throws(() => new FrameCipher(MASTER_KEY, parseHeader(changed)).open(1, sealed), CORRUPT, `byte ${at}`)
  }
})

t.test('a frame opens under no other master key', async t => {
  t.throws(() => new FrameCipher(randomBytes(32), header).open(1, sealed), CORRUPT)
})

t.test('the same plaintext is never sealed to the same bytes twice', async t => {
  const again = new FrameCipher(MASTER_KEY, createHeader('a', 3 * FRAME_BYTES))
  t.notSame(again.seal(1, PLAINTEXT), sealed)
  t.notSame(cipher.seal(0, PLAINTEXT), sealed)
})
