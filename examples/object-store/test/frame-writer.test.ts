import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { FRAME_BYTES } from '../src/frame-layout.ts'
import { LiveFrames } from '../src/live-frames.ts'
import { MemoryStorage } from '../src/memory-storage.ts'
import { ObjectStore } from '../src/object-store.ts'

const SIZES = [
  [],
  [0],
  [0, 0, 1],
  [FRAME_BYTES],
  [FRAME_BYTES, FRAME_BYTES],
  [5_000_000, 5_000_000, 5_000_000, 123],
  [FRAME_BYTES + 1, FRAME_BYTES - 1, 1],
  [1, 2 * FRAME_BYTES + 5, 7],
]

for (const sizes of SIZES) {
  t.test(`parts of ${sizes.join(', ') || 'no'} bytes make one object`, async t => {
    const liveFrames = new LiveFrames()
    const store = new ObjectStore(new MemoryStorage(), Buffer.alloc(32), liveFrames)
    const parts = sizes.map(size => randomBytes(size))
    for (const [number, part] of parts.entries()) await store.put(`part ${number}`, part)
    const whole = Buffer.concat(parts)
    await store.join(
      'whole',
      whole.length,
      'attributes',
      [...parts.keys()].map(number => () => store.open(`part ${number}`)),
    )
    const joined = await store.open('whole')
    t.equal(joined.header.bytes, whole.length)
    t.equal(joined.header.attributes, 'attributes')
    t.ok(whole.equals(await buffer(store.read(joined))))
    t.equal(liveFrames.current, 0)
  })
}

t.test('parts that are longer or shorter than was said leave no object', async t => {
  const store = new ObjectStore(new MemoryStorage(), Buffer.alloc(32), new LiveFrames())
  await store.put('part', Buffer.alloc(10))
  for (const bytes of [0, 9, 11, FRAME_BYTES + 1]) {
    const joined = store.join('whole', bytes, '', [() => store.open('part')])
    await t.rejects(joined, { code: 'ERR_OBJECT_CORRUPT' }, String(bytes))
  }
  await t.rejects(store.open('whole'), { code: 'ERR_OBJECT_NOT_FOUND' })
})
