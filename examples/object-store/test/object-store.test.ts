import t from 'tap'
import { FRAME_BYTES } from '../src/frame-layout.ts'
import { LiveFrames } from '../src/live-frames.ts'
import { MemoryStorage } from '../src/memory-storage.ts'
import type { ObjectHeader } from '../src/object-header.ts'
import { ObjectStore } from '../src/object-store.ts'
import type { Upload } from '../src/storage.ts'

/** Takes one frame and then has no room. */
class FullStorage extends MemoryStorage {
  discarded = 0

  override async create(header: ObjectHeader): Promise<Upload> {
    const upload = await super.create(header)
    let appended = 0
    return {
      ...upload,
      append: frame => (appended++ === 0 ? upload.append(frame) : Promise.reject(new Error('no space left'))),
      discard: async () => {
        this.discarded++
      },
    }
  }
}

t.test(
  'an upload that fails half-way is discarded, and leaves the object it would have replaced',
  async t => {
    const storage = new FullStorage()
    const liveFrames = new LiveFrames()
    const store = new ObjectStore(storage, Buffer.alloc(32), liveFrames)
    await store.put('a', Buffer.from('old'))
    await t.rejects(store.put('a', Buffer.alloc(2 * FRAME_BYTES)), { message: 'no space left' })
    t.equal(storage.discarded, 1)
    t.same(await store.list(), [{ key: 'a', bytes: 3 }])
    t.equal(liveFrames.current, 0)
    t.equal(liveFrames.peak, 2)
  },
)
