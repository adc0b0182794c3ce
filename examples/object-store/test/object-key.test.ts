import { readdir } from 'node:fs/promises'
import t from 'tap'
import { DiskStorage } from '../src/disk-storage.ts'
import { checkObjectKey, MAX_KEY_BYTES } from '../src/object-key.ts'
import { rawStatus } from './raw-request.ts'
import { get, put, serve } from './serve.ts'

const BAD_TARGETS = [
  '/objects/',
  '/objects/.',
  '/objects/..',
  '/objects/%2e%2e',
  '/objects/..%2f..%2fetc%2fpasswd',
  '/objects/%2Fetc%2Fpasswd',
  '/objects/a%2Fb',
  '/objects/a%5cb',
  '/objects/a\\b',
  '/objects/%00',
  '/objects/a%00.txt',
  '/objects/a%0d%0ab',
  '/objects/%7f',
  '/objects/%C2%85',
  '/objects/%ff',
  '/objects/%',
  `/objects/${'a'.repeat(MAX_KEY_BYTES + 1)}`,
  `/objects/${'%C3%BC'.repeat(MAX_KEY_BYTES / 2)}a`,
]

t.test('a bad key is refused by every method, and nothing is stored', async t => {
  const folder = t.testdir()
  await serve(t, { storage: await DiskStorage.in(folder), governed: false }, async ({ port }) => {
    for (const target of BAD_TARGETS) {
      for (const method of ['PUT', 'GET', 'HEAD', 'DELETE']) {
        t.equal(await rawStatus(port, method, target), 400, `${method} ${target.slice(0, 40)}`)
      }
    }
    t.equal(await rawStatus(port, 'PUT', '/objects/../../escaped'), 404)
    t.equal(await rawStatus(port, 'PUT', '/objects/folder/file'), 404)
    t.same(await readdir(folder), [])
  })
})

t.test('odd names that are no trick are keys like any other', async t => {
  await serve(t, { storage: await DiskStorage.in(t.testdir()), governed: false }, async ({ url }) => {
    const keys = ['...', '.hidden', 'a b?#%&', 'A', 'a', 'CON', '🚢', '__proto__', 'x'.repeat(MAX_KEY_BYTES)]
    for (const key of keys) t.equal((await put(url, key, Buffer.from(key))).status, 201, key)
    for (const key of keys) t.equal((await get(url, key)).toString(), key)
  })
})

t.test('the refusal is a 400 that does not repeat the key', async t => {
  t.throws(() => checkObjectKey('../secret'), { code: 'ERR_OBJECT_KEY_INVALID', statusCode: 400 })
  t.throws(() => checkObjectKey('../secret'), { message: /^(?!.*secret)/ })
})
