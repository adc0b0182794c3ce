import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import { Governor } from '../src/governor.ts'
import { declaredBytes, type RequestHead, requestHead } from '../src/request-head.ts'
import { anyValue } from './fixtures/any-value.ts'
import { listening } from './fixtures/http-servers.ts'
import { injected } from './fixtures/injected.ts'
import { silent } from './fixtures/recording-logger.ts'

t.test('a length is digits that a double can hold', async t => {
  for (const length of ['0', '5', '007', String(Number.MAX_SAFE_INTEGER)]) {
    t.equal(declaredBytes(injected([], { headers: { 'content-length': length } }).req), Number(length))
  }
})

t.test('any other length is refused, whichever parser let it through', async t => {
  for (const length of [
    '',
    '-1',
    '+5',
    '1.5',
    '1e3',
    '0x5',
    '5, 5',
    ' 5',
    '5 ',
    'five',
    '9007199254740992',
  ]) {
    t.throws(
      () => declaredBytes(injected([], { headers: { 'content-length': length } }).req),
      { code: 'ERR_PLIMSOLL_BAD_LENGTH', statusCode: 400 },
      JSON.stringify(length),
    )
  }
})

t.test('a transfer coding overrides a length', async t => {
  const headers = { 'transfer-encoding': 'chunked', 'content-length': '5' }
  t.equal(declaredBytes(injected([], { headers }).req), undefined)
})

t.test('a request without a length or a coding has no body', async t => {
  t.equal(declaredBytes(injected([], { headers: {} }).req), 0)
})

t.test('the head as it came tells whether there is a body, in whatever letters', async t => {
  const declared = (...rawHeaders: string[]): number | undefined => {
    const headers = Object.fromEntries([[rawHeaders[0]?.toLowerCase(), rawHeaders[1]]])
    return declaredBytes(Object.assign(injected([], { headers }).req, { rawHeaders }))
  }
  t.equal(declared('Content-Length', '5'), 5)
  t.equal(declared('CONTENT-LENGTH', '5'), 5)
  t.equal(declared('transfer-encoding', 'chunked'), undefined)
  t.equal(declared('Sec-Fetch-Dest', 'empty'), 0)
  t.equal(declared('Sec-WebSocket-Key', 'a'), 0)
  t.equal(declaredBytes(injected([], { headers: {} }).req, undefined, null), 0)
})

for (const [how, most] of [
  ['by default', undefined],
  ['as its server is told', 50],
] as const) {
  t.test(`a length that Node has dropped with other headers is not taken for none, ${how}`, async t => {
    const governor = new Governor({ budget: 1000, maxBody: 3, logger: silent })
    const server = createServer(governor.listener((req, res) => req.resume().on('end', () => res.end())))
    if (most !== undefined) server.maxHeadersCount = most
    const client = connect(await listening(t, server))
    t.teardown(() => client.destroy())
    client.write(
      `POST / HTTP/1.1\r\nHost: a\r\n${'a:b\r\n'.repeat(most ?? 1000)}Content-Length: 5\r\n\r\n12345`,
    )
    t.match(String((await once(client, 'data'))[0]), /^HTTP\/1.1 413 /)
  })
}

t.test('a head is what a request says, and leaves out a length that is unknown', async t => {
  const { req } = injected([], { method: 'PUT', url: '/a?b', headers: { host: 'localhost' } })
  t.same(requestHead(req, 5), {
    method: 'PUT',
    url: '/a?b',
    headers: { host: 'localhost' },
    declaredBytes: 5,
  })
  t.notOk('declaredBytes' in requestHead(req, undefined))
})

t.test('a request that says neither method nor path has empty ones', async t => {
  const heads: RequestHead[] = []
  const governor = new Governor({
    budget: 10,
    logger: silent,
    cost: head => {
      heads.push(head)
      return 1
    },
  })
  const { req, res } = injected([], anyValue({ method: undefined, url: undefined, headers: {} }))
  governor.admit(req, res)
  t.same(heads, [{ method: '', url: '', headers: {}, declaredBytes: 0 }])
  res.emit('close')
  t.equal(governor.budget.reserved, 0)
})
