import t from 'tap'
import { MemoryStorage } from '../src/memory-storage.ts'
import { createHeader } from '../src/object-header.ts'

const FRAME = { ciphertext: Buffer.from('x'), tag: Buffer.alloc(16) }

t.test('nobody sees an upload before its commit, or after it was discarded', async t => {
  const storage = new MemoryStorage()
  const kept = await storage.create(createHeader('kept', 1))
  const discarded = await storage.create(createHeader('discarded', 1))
  await kept.append(FRAME)
  await discarded.append(FRAME)
  t.equal(await storage.open('kept'), undefined)
  t.equal(await kept.commit(), true)
  await discarded.discard()
  t.ok(await storage.open('kept'))
  t.equal(await storage.open('discarded'), undefined)
})
