import fc from 'fast-check'
import t from 'tap'
import type { HttpRequest } from '../src/request-head.ts'
import { type Route, Routes } from '../src/routes.ts'
import { anyValue } from './fixtures/any-value.ts'
import { bytesInUse } from './fixtures/garbage.ts'
import { holds } from './fixtures/holds.ts'
import { randomSeed } from './fixtures/random-seed.ts'

const MIB = 2 ** 20
const KIB = 1024
const seed = randomSeed(t)

function request(method: string, url: string): HttpRequest {
  return anyValue({ method, url })
}

/** A request that was answered. */
function answer(routes: Routes, method: string, url: string, route?: Route, bufferedBytes = 0): string {
  const req = request(method, url)
  const row = routes.find(req, route) ?? routes.learn(req, route)
  row.over(bufferedBytes)
  return row.route
}

function rowsOf(routes: Routes): string[] {
  return routes.all().map(({ route }) => route)
}

t.test('of no request anything is known before one like it was answered', async t => {
  const routes = new Routes(MIB)
  const req = request('GET', '/files/7')
  t.equal(routes.find(req, undefined), undefined)
  t.equal(
    routes.find(req, () => '/files/:id'),
    undefined,
  )
  t.equal(routes.find(req, '/files/:id'), undefined)
  t.same(routes.all(), [])
})

t.test('a route that the framework names at once is known by that name, whatever the path', async t => {
  const routes = new Routes(MIB)
  const row = routes.learn(request('GET', '/files/7'), '/files/:id')
  t.equal(row.route, 'GET /files/:id')
  t.equal(routes.find(request('GET', '/quite/another'), '/files/:id'), row)
  t.equal(routes.learn(request('GET', '/files/8'), '/files/:id'), row)
  t.equal(routes.find(request('GET', '/files/7'), undefined), undefined, 'of its path nothing was learned')
  t.equal(routes.find(request('PUT', '/files/7'), '/files/:id'), undefined, 'nor of another method')
  t.equal(routes.learn(request('PUT', '/files/7'), '/files/:id').route, 'PUT /files/:id')
})

t.test('a route that the framework knows once it was answered names the row of its paths', async t => {
  const routes = new Routes(MIB)
  const known: Route = () => '/users/:name'
  t.equal(answer(routes, 'GET', '/users/anna', known), 'GET /users/:name')
  t.equal(answer(routes, 'GET', '/users/7', known), 'GET /users/:name')
  t.equal(routes.find(request('GET', '/users/8'), known)?.requests, 2)
  t.same(rowsOf(routes), ['GET /users/:name'], 'one row for both')
})

t.test('where no framework tells, the path does, without what varies and without its query', async t => {
  const routes = new Routes(MIB)
  const silent: Route = () => undefined
  t.equal(answer(routes, 'GET', '/users/7?a=/b'), 'GET /users/*')
  t.equal(answer(routes, 'GET', '/users/8', silent), 'GET /users/*')
  t.equal(answer(routes, 'GET', '/'), 'GET /')
  t.same(rowsOf(routes), ['GET /users/*', 'GET /'])
})

t.test('a path is found as often as it is asked for, however many others are in between', async t => {
  const routes = new Routes(MIB)
  const row = routes.learn(request('GET', '/files/1'), undefined)
  for (const query of ['', '?q=1']) {
    const files = Array.from({ length: 1500 }, (_, n) => request('GET', `/files/${n}${query}`))
    t.ok(files.every(req => routes.find(req, undefined) === row))
  }
  const long = request('GET', `/files/${'1'.repeat(300)}`)
  t.equal(routes.find(long, undefined), row)
})

t.test('a method that a client made up over HTTP/2 is one with all others of its kind', async t => {
  const routes = new Routes(MIB)
  t.equal(answer(routes, 'CLIMB', '/a'), '* /a')
  t.equal(answer(routes, 'FALL', '/a'), '* /a')
  t.equal(answer(routes, 'RISE', '/b', '/:it'), '* /:it')
  t.equal(answer(routes, 'MKCOL', '/a'), 'MKCOL /a', 'WebDAV is not made up')
})

t.test('so many routes are told apart, and all further are one', async t => {
  const routes = new Routes(MIB)
  for (let n = 0; n < 500; n++) t.equal(answer(routes, 'GET', '/', `/${n}`), `GET /${n}`)
  t.equal(routes.all().length, 500)
  t.equal(answer(routes, 'GET', '/', '/500'), 'all others')
  t.equal(answer(routes, 'PUT', '/a', undefined), 'all others')
  t.equal(answer(routes, 'GET', '/', '/7'), 'GET /7', 'those that are known stay')
  t.equal(routes.all().length, 501)
  t.equal(routes.all().at(-1)?.requests, 2)
})

t.test('what is known is bounded, whatever clients ask for', async t => {
  const name = fc.oneof(
    fc.nat(10_000).map(n => `n-${n}`),
    fc.nat().map(String),
    fc.string({ maxLength: 45 }),
  )
  const paths = fc.array(fc.array(name, { maxLength: 10 }), { minLength: 700, maxLength: 900 })
  const methods = fc.array(fc.oneof(fc.constantFrom('GET', 'POST'), fc.string()), { minLength: 1 })
  const property = fc.asyncProperty(paths, methods, async (paths, methods) => {
    const routes = new Routes(MIB)
    for (const [at, names] of paths.entries())
      answer(routes, methods[at % methods.length] as string, `/${names.join('/')}`)
    const all = routes.all()
    if (all.length > 501) throw new Error(`${all.length} rows`)
    if (new Set(rowsOf(routes)).size !== all.length) throw new Error('one route in two rows')
    const requests = all.reduce((sum, row) => sum + row.requests, 0)
    if (requests !== paths.length) throw new Error(`${requests} of ${paths.length} requests`)
  })
  await holds(t, property as fc.IAsyncProperty<unknown>, seed, 20)
})

t.test('neither long paths nor made-up methods leave memory behind', async t => {
  const routes = new Routes(MIB)
  const before = await bytesInUse()
  answer(routes, 'GET', '/files/1')
  for (let n = 0; n < 3000; n++) {
    // As Node's parser makes a URL: in one piece.
    const url = (text: string): string => Buffer.from(text).toString('latin1')
    answer(routes, 'GET', url(`/files/12345678${n}?${'x'.repeat(10_000)}`))
    answer(routes, 'GET', url(`/files/${n}${'1'.repeat(10_000)}`))
    answer(routes, `METHOD-${n}${'X'.repeat(2000)}`, '/files/1')
  }
  const kept = (await bytesInUse()) - before
  t.ok(kept < 3 * MIB, `${kept} bytes`)
  t.same(rowsOf(routes), ['GET /files/*', '* /files/*'])
})

t.test('what a response costs is guessed until its route is known, and then learned', async t => {
  const routes = new Routes(MIB)
  t.equal(routes.responseBytes(undefined), MIB)
  const row = routes.learn(request('GET', '/a'), '/a')
  t.equal(routes.responseBytes(row), MIB, 'as long as nobody has answered')
  row.over(100 * KIB)
  t.equal(routes.responseBytes(row), (64 + 200) * KIB)
  t.equal(routes.responseBytes(undefined), MIB, 'of others that tells nothing')
})

t.test('a guess that is not worth a response is none', async t => {
  t.equal(new Routes(96 * KIB).responseBytes(undefined), 0)
  t.equal(new Routes(98 * KIB).responseBytes(undefined), 98 * KIB)
  t.equal(new Routes(0).responseBytes(undefined), 0)
})
