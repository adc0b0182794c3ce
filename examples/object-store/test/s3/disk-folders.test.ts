import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { FRAME_BYTES } from '../../src/frame-layout.ts'
import { createHeader } from '../../src/object-header.ts'
import { DiskFolders } from '../../src/s3/disk-folders.ts'
import { MemoryFolders } from '../../src/s3/memory-folders.ts'
import type { StorageFolders } from '../../src/s3/storage-folders.ts'

const FRAME = { ciphertext: Buffer.from('x'), tag: Buffer.alloc(16) }

async function fill(folders: StorageFolders, name: string): Promise<void> {
  const storage = await folders.open(name)
  const upload = await storage?.create(createHeader('key', 1))
  await upload?.append(FRAME)
  await upload?.commit()
}

const KINDS: Record<string, (folder: string) => Promise<StorageFolders>> = {
  disk: folder => DiskFolders.in(folder),
  memory: async () => new MemoryFolders(),
}

for (const [kind, make] of Object.entries(KINDS)) {
  t.test(`${kind}: a folder is there from its creation to its removal`, async t => {
    const folders = await make(t.testdir())
    t.equal(await folders.open('a'), undefined)
    t.equal(await folders.create('a'), true)
    t.equal(await folders.create('a'), false)
    t.ok(await folders.open('a'))
    const [listed, ...others] = await folders.list()
    t.equal(listed?.name, 'a')
    t.ok(Math.abs(Number(listed?.created) - Date.now()) < 60_000)
    t.same(others, [])
    t.equal(await folders.removeEmpty('a'), true)
    t.equal(await folders.removeEmpty('a'), true)
    t.equal(await folders.open('a'), undefined)
    t.same(await folders.list(), [])
  })

  t.test(`${kind}: a folder with something in it is removed only where that is meant`, async t => {
    const folders = await make(t.testdir())
    await folders.create('a')
    await fill(folders, 'a')
    t.equal(await folders.removeEmpty('a'), false)
    t.ok(await (await folders.open('a'))?.open('key').then(object => object?.close().then(() => true)))
    await folders.removeAll('a')
    await folders.removeAll('a')
    t.equal(await folders.open('a'), undefined)
  })
}

t.test('no name leads out of the folder, or to what is being removed', async t => {
  const root = t.testdir({ inner: {}, 'outside.txt': '' })
  const folders = await DiskFolders.in(join(root, 'inner'))
  for (const name of ['', '.', '..', '../outside', 'a/b', '/etc', '.removed', 'a\0']) {
    for (const operation of ['create', 'open', 'removeEmpty', 'removeAll'] as const) {
      await t.rejects(async () => folders[operation](name), TypeError, `${operation} ${JSON.stringify(name)}`)
    }
  }
  t.same(await readdir(root), ['inner', 'outside.txt'])
})

t.test('what is no folder of ours is not listed, and a failure is none of "not there"', async t => {
  const root = t.testdir()
  const folders = await DiskFolders.in(root)
  await mkdir(join(root, 'UPPER'))
  await symlink('nowhere', join(root, 'dangling'))
  t.same(await folders.list(), [])
  await writeFile(join(root, 'file'), '')
  await t.rejects(folders.removeEmpty('file'), { code: 'ENOTDIR' })
})

t.test('an upload into a folder that is removed meanwhile fails, and leaves nothing', async t => {
  const root = t.testdir()
  const folders = await DiskFolders.in(root)
  await folders.create('a')
  const upload = await (await folders.open('a'))?.create(createHeader('key', 1))
  await upload?.append(FRAME)
  await folders.removeAll('a')
  await t.rejects(async () => upload?.commit(), { code: 'ENOENT' })
  await upload?.discard()
  t.same(await readdir(root), [])
})

t.test(
  'what a crash left half-written or half-removed is gone after the next start, and no more',
  async t => {
    const root = t.testdir({ '.removed': { file: 'x' } })
    const folders = await DiskFolders.in(join(root))
    t.same(await readdir(root), [])
    await folders.create('a')
    await fill(folders, 'a')
    const half = await (await folders.open('a'))?.create(createHeader('half', 2 * FRAME_BYTES))
    t.equal((await readdir(join(root, 'a'))).length, 2)
    await DiskFolders.in(root)
    t.equal((await readdir(join(root, 'a'))).length, 1)
    await half?.discard()
  },
)
