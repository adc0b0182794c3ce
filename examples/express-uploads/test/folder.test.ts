import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { Folder } from '../src/folder.ts'

t.test('what a crash left half-written is cleared away, and nothing else', async t => {
  const path = t.testdir({ '.incoming': { half: 'x' }, whole: 'kept' })
  const folder = await Folder.in(path)
  t.same(await readdir(folder.incoming), [])
  t.same(await folder.list(), [{ name: 'whole', bytes: 4 }])
})

t.test('an upload that is deleted while it is listed is left out of the list', async t => {
  const path = t.testdir({ stays: 'x' })
  const folder = await Folder.in(path)
  // A name that leads nowhere is listed by the system and not found by whoever asks for it.
  await symlink(join(path, 'nowhere'), join(path, 'goes'))
  t.same(await folder.list(), [{ name: 'stays', bytes: 1 }])
})

t.test('what can not be written leaves nothing behind', async t => {
  const path = t.testdir()
  const folder = await Folder.in(path)
  await mkdir(join(path, 'taken'))
  await t.rejects(folder.write('taken', Buffer.from('x')))
  await writeFile(join(folder.incoming, 'come-in'), 'x')
  await t.rejects(folder.adopt(join(folder.incoming, 'come-in'), 'taken'))
  t.same(await readdir(folder.incoming), [])
})
