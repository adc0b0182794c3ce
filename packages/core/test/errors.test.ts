import { readFile } from 'node:fs/promises'
import createError from 'http-errors'
import t from 'tap'
import {
  isPlimsollError,
  optionError,
  PlimsollError,
  type PlimsollErrorCode,
  STATUS_OF_CODE,
} from '../src/errors.ts'

const codes = Object.keys(STATUS_OF_CODE) as PlimsollErrorCode[]

t.test('each code has the status a client is sent', async t => {
  t.same(STATUS_OF_CODE, {
    ERR_PLIMSOLL_QUEUE_FULL: 503,
    ERR_PLIMSOLL_QUEUE_TIMEOUT: 503,
    ERR_PLIMSOLL_NO_ROOM: 503,
    ERR_PLIMSOLL_CLOSED: 503,
    ERR_PLIMSOLL_DEADLINE: 504,
    ERR_PLIMSOLL_TOO_SLOW: 408,
    ERR_PLIMSOLL_OVER_SHARE: 429,
    ERR_PLIMSOLL_BODY_TOO_LARGE: 413,
    ERR_PLIMSOLL_BODY_OVER_BUDGET: 413,
    ERR_PLIMSOLL_COST_OVER_BUDGET: 503,
    ERR_PLIMSOLL_LENGTH_REQUIRED: 411,
    ERR_PLIMSOLL_BAD_LENGTH: 400,
    ERR_PLIMSOLL_ENCODING: 415,
    ERR_PLIMSOLL_COST_FUNCTION: 500,
    ERR_PLIMSOLL_RESPONSE_TOO_LARGE: 502,
    ERR_PLIMSOLL_UPSTREAM_TIMEOUT: 504,
    ERR_PLIMSOLL_CLIENT_GONE: 499,
    ERR_PLIMSOLL_RELEASED: 500,
    ERR_PLIMSOLL_CLOSE_TIMEOUT: 500,
    ERR_PLIMSOLL_FLUSH_TIMEOUT: 500,
    ERR_PLIMSOLL_REGISTERED_TWICE: 500,
    ERR_PLIMSOLL_PASSED_TWICE: 500,
    ERR_PLIMSOLL_OPTION: 500,
  })
  for (const code of codes) {
    const error = new PlimsollError(code, 'text')
    t.match(error, { code, statusCode: STATUS_OF_CODE[code], name: 'PlimsollError', message: 'text' })
    t.ok(isPlimsollError(error), code)
  }
})

t.test('docs/errors.md tells of every code, and of no other', async t => {
  const text = await readFile(new URL('../../../docs/errors.md', import.meta.url), 'utf8')
  const rows = [...text.matchAll(/^\| `(\w+)` *\| (\d+)/gm)].map(([, code, status]) => [code, Number(status)])
  t.same(rows.map(([code]) => code).sort(), [...codes].sort(), 'a row for each')
  t.same(Object.fromEntries(rows), STATUS_OF_CODE, 'with its status')
  const named = new Set(text.match(/ERR_PLIMSOLL_\w+/g))
  t.same([...named].sort(), [...codes].sort(), 'and no other is named')
})

t.test('an error carries the bytes concerned and its cause', async t => {
  const cause = new Error('inner')
  t.match(new PlimsollError('ERR_PLIMSOLL_NO_ROOM', 'text', { bytes: 5, limit: 3, cause }), {
    bytes: 5,
    limit: 3,
    cause,
  })
  const bare = new PlimsollError('ERR_PLIMSOLL_NO_ROOM', 'text')
  t.match(bare, { bytes: undefined, limit: undefined })
  t.notOk(Object.hasOwn(bare, 'cause'), 'no cause where there was none')
})

t.test('an error from another copy of the package is one of ours', async t => {
  const foreign = Object.assign(new Error('from elsewhere'), { code: 'ERR_PLIMSOLL_QUEUE_FULL' })
  t.notOk(foreign instanceof PlimsollError)
  t.ok(isPlimsollError(foreign))
})

t.test('nothing else is an error of ours', async t => {
  const others: unknown[] = [
    undefined,
    null,
    'ERR_PLIMSOLL_QUEUE_FULL',
    { code: 'ERR_PLIMSOLL_QUEUE_FULL' },
    new Error('no code'),
    Object.assign(new Error(), { code: 'ECONNRESET' }),
    Object.assign(new Error(), { code: 'toString' }),
    Object.assign(new Error(), { code: 'ERR_PLIMSOLL_MADE_UP' }),
    Object.assign(new Error(), { code: 5 }),
    Object.assign(new Error(), { code: null }),
  ]
  for (const value of others) t.notOk(isPlimsollError(value))
})

t.test('a bad option is named together with what was expected and what came', async t => {
  t.match(optionError('maxBody', 'a size', { a: 1 }), {
    code: 'ERR_PLIMSOLL_OPTION',
    message: 'maxBody must be a size, got { a: 1 }',
  })
})

t.test('http-errors takes an error of ours for one of its own, and writes to it', async t => {
  for (const code of codes) {
    const error = new PlimsollError(code, 'text')
    error.headers = { 'Retry-After': '5' }
    const { status } = error
    t.ok(createError.isHttpError(error), code)
    // As body-parser does: its 400 is for errors without a status.
    t.equal(createError(400, error, { type: 'read.failed' }), error)
    t.match(error, { code, status, statusCode: status, expose: status < 500, type: 'read.failed' })
    t.same(error.headers, { 'Retry-After': '5' })
    // And one that insists.
    createError(error, { status: 418, expose: true })
    t.match(error, { code, expose: true })
  }
})
