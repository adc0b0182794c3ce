import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { LiveFrames } from '../../src/live-frames.ts'
import { MemoryStorage } from '../../src/memory-storage.ts'
import { ObjectStore } from '../../src/object-store.ts'
import type { CheckedBody } from '../../src/s3/checked-body.ts'
import { MultipartUpload } from '../../src/s3/multipart-upload.ts'

function bodyOf(text: string): CheckedBody {
  return { bytes: Buffer.from(text), md5: createHash('md5').update(text).digest('hex'), checksums: {} }
}

t.test('a part that is replaced after it was chosen is not taken for it', async t => {
  const store = new ObjectStore(new MemoryStorage(), Buffer.alloc(32), new LiveFrames())
  const upload = new MultipartUpload(store, { bucket: 'b', key: 'k', headers: {} })
  const old = bodyOf('old')
  await upload.put(1, old)
  const [part] = await upload.choose([{ number: 1, etag: old.md5 }])
  if (part === undefined) throw new Error('It was put')
  t.equal((await buffer(store.read(await upload.open(part)))).toString(), 'old')
  await upload.put(1, bodyOf('new'))
  await t.rejects(upload.open(part), { code: 'InvalidPart' })
})
