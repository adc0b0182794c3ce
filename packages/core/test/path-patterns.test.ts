import fc from 'fast-check'
import t from 'tap'
import { PathPatterns } from '../src/path-patterns.ts'
import { RouteMeasures } from '../src/route-measures.ts'
import { bytesInUse } from './fixtures/garbage.ts'
import { holds } from './fixtures/holds.ts'
import { randomSeed } from './fixtures/random-seed.ts'

const seed = randomSeed(t)

/** Patterns, with a row for each that was asked for. */
class Learned {
  readonly patterns = new PathPatterns()
  readonly rows = new Map<string, RouteMeasures>()

  learn(method: string, path: string): RouteMeasures {
    return this.patterns.learn(method, path, pattern => {
      const row = this.rows.get(`${method} ${pattern}`) ?? new RouteMeasures(`${method} ${pattern}`, 0)
      this.rows.set(row.route, row)
      return row
    })
  }

  pattern(path: string): string {
    return this.learn('GET', path).route.slice('GET '.length)
  }
}

t.test('what varies from request to request shares a row', async t => {
  const varying = [
    '7',
    '007',
    '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
    'DEADBEEF',
    'report.pdf',
    '@anna',
    'caf%C3%A9',
    'n'.repeat(40),
    'cjld2cjxh0000qzrmn831i7rn',
    '01ARZ3NDEKTSV4RRFFQ69G5FAV',
    'V1StGXR8_Z5jdHi6B-myT',
    'dQw4w9WgXcQ-1aBcD',
  ]
  for (const name of varying) t.equal(new Learned().pattern(`/files/${name}/parts`), '/files/*/parts', name)
  for (const name of ['files', 'v1', 'sign-in', 'facade', 'terms-of-service-2024', 'n'.repeat(39)])
    t.equal(new Learned().pattern(`/${name}`), `/${name}`)
})

t.test('what was learned of one is known of all that vary the same', async t => {
  const learned = new Learned()
  const row = learned.learn('GET', '/files/7/parts')
  t.equal(learned.patterns.find('GET', '/files/12345678/parts'), row)
  t.equal(learned.patterns.find('GET', '/files/a.txt/parts'), row)
  t.equal(learned.patterns.find('PUT', '/files/7/parts'), undefined, 'another method')
  t.equal(learned.patterns.find('GET', '/files/7'), undefined, 'what is above it')
  t.equal(learned.patterns.find('GET', '/files/7/parts/1'), undefined, 'and below')
  t.equal(learned.patterns.find('GET', '/folders/7/parts'), undefined, 'and beside')
})

t.test('slashes that name nothing don’t count', async t => {
  const learned = new Learned()
  t.equal(learned.pattern('//files//7/'), '/files/*')
  for (const root of ['/', '', '*', '///']) t.equal(learned.pattern(root), '/', `'${root}'`)
})

t.test('a path of many levels is told by its first eight', async t => {
  const learned = new Learned()
  const row = learned.learn('GET', '/a/b/c/d/e/f/g/h/i')
  t.equal(row.route, 'GET /a/b/c/d/e/f/g/h')
  t.equal(learned.patterns.find('GET', `/a/b/c/d/e/f/g/h${'/z'.repeat(10_000)}`), row)
})

t.test('the first names of a level have rows of their own, and all further share one', async t => {
  const learned = new Learned()
  const rows = new Set(Array.from({ length: 200 }, (_, n) => learned.learn('GET', `/users/name-${n}`)))
  t.equal(rows.size, 64 + 1)
  t.equal(learned.pattern('/users/name-5'), '/users/name-5')
  t.equal(learned.pattern('/users/another'), '/users/*')
})

t.test('a catch-all that answers any path has it learn no more than so many', async t => {
  const learned = new Learned()
  for (let n = 0; n < 30 ** 3; n++)
    learned.learn('GET', `/l${n % 30}/m${Math.trunc(n / 30) % 30}/n${Math.trunc(n / 900)}`)
  t.ok(learned.rows.size < 2000, `${learned.rows.size} patterns`)
  t.equal(learned.pattern('/l0/m0/n0'), '/l0/m0/n0', 'the first ones stay')
})

t.test('whatever is learned is found again, by the same path', async t => {
  const name = fc.oneof(fc.constantFrom('a', 'b', '', '7'), fc.string({ maxLength: 50 }))
  const path = fc.array(name, { maxLength: 12 }).map(names => `/${names.join('/')}`)
  const paths = fc.array(fc.tuple(fc.constantFrom('GET', 'PUT'), path), { maxLength: 100 })
  const property = fc.asyncProperty(paths, async paths => {
    const learned = new Learned()
    for (const [method, path] of paths) {
      const row = learned.learn(method, path)
      if (learned.patterns.find(method, path) !== row) throw new Error(`${path}, as ${row.route}`)
    }
  })
  await holds(t, property as fc.IAsyncProperty<unknown>, seed, 200)
})

t.test('of a long path that was learned only its names are kept', async t => {
  const { patterns } = new Learned()
  const row = new RouteMeasures('', 0)
  const before = await bytesInUse()
  for (let n = 0; n < 640; n++) {
    // As Node's parser makes a URL: in one piece.
    const url = Buffer.from(`/level-${n % 10}/a-name-of-some-length-${n}?${'x'.repeat(15_000)}`).toString(
      'latin1',
    )
    patterns.learn('GET', url.split('?', 1)[0] as string, () => row)
  }
  const kept = (await bytesInUse()) - before
  t.ok(kept < 4 * 2 ** 20, `${kept} bytes`)
  t.equal(patterns.find('GET', '/level-3/a-name-of-some-length-3'), row)
})
