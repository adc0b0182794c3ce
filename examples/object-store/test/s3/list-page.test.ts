import fc from 'fast-check'
import t from 'tap'
import { createHeader, type ObjectHeader } from '../../src/object-header.ts'
import { type ListPage, type ListQuery, listPage } from '../../src/s3/list-page.ts'
import { encodeAttributes } from '../../src/s3/object-attributes.ts'

const ATTRIBUTES = encodeAttributes({ etag: 'e', modified: 0, headers: {} })
const ALL: ListQuery = { prefix: '', delimiter: '', after: '', limit: 1000 }

async function* headersOf(keys: Iterable<string>): AsyncGenerator<ObjectHeader> {
  for (const key of keys) yield createHeader(key, 1, ATTRIBUTES)
}

const namesOf = ({ objects, prefixes }: ListPage): string[] => [...objects.map(({ key }) => key), ...prefixes]

const bytewise = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** What S3 says a list is, over all keys at once. */
function expected(keys: Iterable<string>, { prefix, delimiter }: ListQuery): string[] {
  const names = [...keys]
    .filter(key => key.startsWith(prefix))
    .map(key => {
      const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
      return cut === -1 ? key : key.slice(0, cut + delimiter.length)
    })
  return [...new Set(names)].sort(bytewise)
}

t.test('the pages of a list, one after the other, are all names once and in order', async t => {
  const key = fc.array(fc.constantFrom('a', 'b', '/', 'é', '🚢', '\uE000'), { minLength: 1, maxLength: 5 })
  const property = fc.asyncProperty(
    fc.uniqueArray(
      key.map(parts => parts.join('')),
      { maxLength: 40 },
    ),
    fc.constantFrom('', 'a', 'a/'),
    fc.constantFrom('', '/', 'b'),
    fc.integer({ min: 1, max: 5 }),
    async (keys, prefix, delimiter, limit) => {
      const query = { ...ALL, prefix, delimiter, limit }
      const names: string[] = []
      let after: string | undefined = ''
      while (after !== undefined) {
        const page: ListPage = await listPage(headersOf(keys), { ...query, after })
        const onPage = namesOf(page)
        if (onPage.length > limit || (page.next !== undefined && onPage.length < limit)) return false
        names.push(...onPage.sort(bytewise))
        after = page.next
      }
      return t.same(names, expected(keys, query))
    },
  )
  await fc.assert(property, { numRuns: 300 })
})

t.test('a key that is its own prefix is rolled up, and listed by itself below', async t => {
  const keys = ['folder/', 'folder/a']
  const top = await listPage(headersOf(keys), { ...ALL, delimiter: '/' })
  t.same([top.objects.length, top.prefixes], [0, ['folder/']])
  const below = await listPage(headersOf(keys), { ...ALL, delimiter: '/', prefix: 'folder/' })
  t.same(namesOf(below), keys)
})

t.test('a start within a prefix still shows the prefix, for what follows in it', async t => {
  const page = await listPage(headersOf(['a/1', 'a/2']), { ...ALL, delimiter: '/', after: 'a/1' })
  t.same(page.prefixes, ['a/'])
})

t.test('a page of nothing has nothing, and no next', async t => {
  t.same(await listPage(headersOf(['a']), { ...ALL, limit: 0 }), {
    objects: [],
    prefixes: [],
    next: undefined,
  })
})

t.test('an object whose attributes are damaged is left out', async t => {
  async function* headers(): AsyncGenerator<ObjectHeader> {
    yield createHeader('damaged', 1, 'no JSON')
    yield* headersOf(['whole'])
  }
  t.same(namesOf(await listPage(headers(), ALL)), ['whole'])
})
