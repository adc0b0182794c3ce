import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { DiskStorage } from '../src/disk-storage.ts'
import { FRAME_BYTES, TAG_BYTES } from '../src/frame-layout.ts'
import { createHeader } from '../src/object-header.ts'
import { get, put, type Served, serve } from './serve.ts'
import { readRest, stalledDownload } from './stalled-download.ts'

const HEADER_BYTES = createHeader('a', 0).encoded.length
const SEALED_FRAME_BYTES = FRAME_BYTES + TAG_BYTES
const THREE_FRAMES = randomBytes(2 * FRAME_BYTES + 1000)

interface Stored extends Served {
  readonly folder: string
  /** Of the object `a`. */
  readonly file: string
}

/** A server that has `body` as the object `a`. */
async function stored(t: Test, body: Buffer, use: (stored: Stored) => Promise<unknown>): Promise<void> {
  const folder = t.testdir()
  await serve(t, { storage: await DiskStorage.in(folder), governed: false }, async served => {
    await put(served.url, 'a', body)
    const [name = ''] = await readdir(folder)
    await use({ ...served, folder, file: join(folder, name) })
  })
}

async function flipBit(file: string, position: number): Promise<void> {
  const handle = await open(file, 'r+')
  const byte = Buffer.alloc(1)
  await handle.read(byte, 0, 1, position)
  await handle.write(Buffer.from([byte.readUInt8() ^ 1]), 0, 1, position)
  await handle.close()
}

async function swapFrames(file: string, first: number, second: number): Promise<void> {
  const bytes = await readFile(file)
  const frame = (index: number) =>
    bytes.subarray(HEADER_BYTES + index * SEALED_FRAME_BYTES).subarray(0, SEALED_FRAME_BYTES)
  const kept = Buffer.from(frame(first))
  frame(second).copy(frame(first))
  kept.copy(frame(second))
  await writeFile(file, bytes)
}

async function refusedWhole(t: Test, url: string): Promise<void> {
  const response = await fetch(`${url}/objects/a`)
  t.equal(response.status, 500)
  const body = await response.text()
  t.equal(JSON.parse(body).code, 'ERR_OBJECT_CORRUPT')
  t.equal(response.headers.get('content-length'), String(body.length), 'not the object’s length')
}

async function cutInTheMiddle(t: Test, url: string): Promise<void> {
  const download = await stalledDownload(url, 'a')
  t.equal(download.statusCode, 200)
  const received: Buffer[] = []
  download.on('data', chunk => received.push(chunk))
  await t.rejects(readRest(download), { code: 'ECONNRESET' })
  const bytes = Buffer.concat(received)
  t.ok(bytes.equals(THREE_FRAMES.subarray(0, bytes.length)), 'what came before is authentic')
}

const REFUSED: Record<string, (file: string) => Promise<void>> = {
  'a bit of the first frame': file => flipBit(file, HEADER_BYTES + 5000),
  'a bit of the first tag': file => flipBit(file, HEADER_BYTES + FRAME_BYTES),
  'a bit of the salt': file => flipBit(file, 10),
  'a bit of the magic number': file => flipBit(file, 0),
  'a bit of the key': file => flipBit(file, HEADER_BYTES - 1),
  'a bit of the size': file => flipBit(file, 41),
  'the first and second frame in each other’s place': file => swapFrames(file, 0, 1),
  'a byte too few': file => truncate(file, HEADER_BYTES + THREE_FRAMES.length + 3 * TAG_BYTES - 1),
  'a frame too few': file => truncate(file, HEADER_BYTES + 2 * SEALED_FRAME_BYTES),
  'a byte too many': file => truncate(file, HEADER_BYTES + THREE_FRAMES.length + 3 * TAG_BYTES + 1),
  'no frames at all': file => truncate(file, HEADER_BYTES),
  'nothing at all': file => truncate(file, 0),
}

for (const [damage, inflict] of Object.entries(REFUSED)) {
  t.test(`an object with ${damage} is answered 500 and not a byte of it is sent`, async t => {
    await stored(t, THREE_FRAMES, async ({ url, file }) => {
      await inflict(file)
      await refusedWhole(t, url)
    })
  })
}

const CUT: Record<string, (file: string) => Promise<void>> = {
  'a bit of the second frame': file => flipBit(file, HEADER_BYTES + SEALED_FRAME_BYTES + 5000),
  'a bit of the last tag': file => flipBit(file, HEADER_BYTES + THREE_FRAMES.length + 3 * TAG_BYTES - 1),
}

for (const [damage, inflict] of Object.entries(CUT)) {
  t.test(`a download that comes to ${damage} that is wrong is cut`, async t => {
    await stored(t, THREE_FRAMES, async ({ url, file }) => {
      await inflict(file)
      await cutInTheMiddle(t, url)
    })
  })
}

t.test('swapped frames of one length are noticed where they begin', async t => {
  await stored(
    t,
    Buffer.concat([THREE_FRAMES.subarray(0, 2 * FRAME_BYTES), THREE_FRAMES.subarray(0, FRAME_BYTES)]),
    async ({ url, file }) => {
      await swapFrames(file, 1, 2)
      await cutInTheMiddle(t, url)
    },
  )
})

t.test('an object that is truncated while it is sent is cut', async t => {
  await stored(t, THREE_FRAMES, async ({ url, file }) => {
    const download = await stalledDownload(url, 'a')
    await truncate(file, HEADER_BYTES + SEALED_FRAME_BYTES + 5)
    await t.rejects(readRest(download), { code: 'ECONNRESET' })
  })
})

t.test('an object in another one’s file is corrupt', async t => {
  await stored(t, Buffer.from('first'), async ({ url, folder, file }) => {
    await put(url, 'b', Buffer.from('second'))
    const [other = ''] = (await readdir(folder)).filter(name => join(folder, name) !== file)
    await rename(join(folder, other), file)
    await refusedWhole(t, url)
  })
})

t.test('an object is readable under its own master key only', async t => {
  await stored(t, Buffer.alloc(0), async ({ folder }) => {
    const storage = await DiskStorage.in(folder)
    await serve(t, { storage, governed: false }, async ({ url }) => t.equal((await get(url, 'a')).length, 0))
    await serve(t, { storage, governed: false, masterKey: randomBytes(32) }, ({ url }) =>
      refusedWhole(t, url),
    )
  })
})

t.test('no plaintext is on the disk', async t => {
  const body = Buffer.from('a sentence that would be easy to find')
  await stored(t, body, async ({ file }) => t.notOk((await readFile(file)).includes(body)))
})

t.test('the list leaves out what is no object, and names the rest', async t => {
  await stored(t, Buffer.from('whole'), async ({ url, folder }) => {
    await writeFile(join(folder, 'README'), 'not ours')
    await writeFile(join(folder, '0'.repeat(64)), 'damaged')
    t.same(await (await fetch(`${url}/objects`)).json(), [{ key: 'a', bytes: 5 }])
  })
})

t.test('an upload that cannot be stored is answered 500 and leaves no temporary file', async t => {
  await stored(t, Buffer.from('in the way'), async ({ url, folder, file }) => {
    await rm(file)
    await mkdir(join(file, 'in the way'), { recursive: true })
    t.equal((await put(url, 'a', Buffer.from('new'))).status, 500)
    t.equal((await readdir(folder)).length, 1)
    t.equal((await fetch(`${url}/objects/a`)).status, 500)
    t.equal((await fetch(`${url}/objects/a`, { method: 'DELETE' })).status, 500)
  })
})

t.test('what a crash left half-written is gone after the next start', async t => {
  await stored(t, Buffer.from('whole'), async ({ folder, url }) => {
    const storage = await DiskStorage.in(folder)
    const upload = await storage.create(createHeader('half', 2 * FRAME_BYTES))
    await upload.append({ ciphertext: Buffer.alloc(FRAME_BYTES), tag: Buffer.alloc(TAG_BYTES) })
    t.equal((await readdir(folder)).length, 2)
    t.same(await (await fetch(`${url}/objects`)).json(), [{ key: 'a', bytes: 5 }], 'nor is it listed before')
    await DiskStorage.in(folder)
    t.equal((await readdir(folder)).length, 1)
    await upload.discard()
  })
})

t.test('the folder is made where there is none', async t => {
  const folder = join(t.testdir(), 'not', 'yet')
  await serve(t, { storage: await DiskStorage.in(folder), governed: false }, async ({ url }) => {
    t.equal((await put(url, 'a', Buffer.from('x'))).status, 201)
  })
})
