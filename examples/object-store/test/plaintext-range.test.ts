import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { FRAME_BYTES } from '../src/frame-layout.ts'
import { LiveFrames } from '../src/live-frames.ts'
import { MemoryStorage } from '../src/memory-storage.ts'
import { ObjectStore } from '../src/object-store.ts'

t.test('a range is read by the frames it lies in, and by no other', async t => {
  const store = new ObjectStore(new MemoryStorage(), Buffer.alloc(32), new LiveFrames())
  const body = randomBytes(3 * FRAME_BYTES + 1000)
  await store.put('a', body)
  for (const [start, end, frames] of [
    [0, 1, [0]],
    [0, FRAME_BYTES, [0]],
    [FRAME_BYTES - 1, FRAME_BYTES, [0]],
    [FRAME_BYTES, FRAME_BYTES + 1, [1]],
    [FRAME_BYTES - 1, FRAME_BYTES + 1, [0, 1]],
    [5, 2 * FRAME_BYTES + 5, [0, 1, 2]],
    [body.length - 1, body.length, [3]],
    [0, body.length, [0, 1, 2, 3]],
  ] as const) {
    const object = await store.open('a')
    const read: number[] = []
    const watched = {
      header: object.header,
      readFrame: (index: number) => {
        read.push(index)
        return object.readFrame(index)
      },
      close: () => object.close(),
    }
    t.ok(
      body.subarray(start, end).equals(await buffer(store.read(watched, { start, end }))),
      `${start}-${end}`,
    )
    t.same(read, frames)
  }
})
