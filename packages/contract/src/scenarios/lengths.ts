import assert from 'node:assert/strict'
import { post } from '../bare-client.ts'
import { assertRefused } from '../refusals.ts'
import { HTTP1, type Scenario } from '../scenario.ts'

const MALFORMED = {
  negative: 'Content-Length: -1',
  signed: 'Content-Length: +5',
  fractional: 'Content-Length: 1.5',
  hexadecimal: 'Content-Length: 0x5',
  endless: `Content-Length: ${'9'.repeat(40)}`,
  duplicated: 'Content-Length: 5\r\nContent-Length: 5',
  'duplicated with another value': 'Content-Length: 5\r\nContent-Length: 6',
  'a list': 'Content-Length: 5, 5',
  'beside a chunked coding': 'Content-Length: 5\r\nTransfer-Encoding: chunked',
}

const UNSAFE = '9007199254740993'

/** Lengths that can't be believed, and bodies that belie theirs. */
export const lengths: readonly Scenario[] = [
  {
    name: 'a length that no double can hold is refused with 400',
    async run(trial) {
      const call = trial.open('POST', '/keep', { headers: { 'content-length': UNSAFE } })
      await assertRefused(call, 'ERR_PLIMSOLL_BAD_LENGTH')
      assert.equal(trial.kept.length, 0)
    },
  },
  {
    name: 'the largest length that a double can hold is merely too large',
    async run(trial) {
      const call = trial.open('POST', '/keep', { length: Number.MAX_SAFE_INTEGER })
      assert.equal(await call.answer(), 413)
    },
  },
  ...Object.entries(MALFORMED).map(
    ([what, lines]): Scenario => ({
      name: `a length that is ${what} is refused with 400 and reserves nothing`,
      protocols: HTTP1,
      async run(trial) {
        const client = await trial.connect()
        client.write(`POST /keep HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n\r\n12345`)
        assert.deepEqual(await client.answers(1), [400])
        await client.closed()
        await trial.holds(0)
        assert.equal(trial.kept.length, 0)
      },
    }),
  ),
  {
    name: 'what follows a body of the declared length is not part of it',
    protocols: HTTP1,
    async run(trial) {
      const client = await trial.connect()
      client.write(post('/length', '12345'))
      await client.reads(/\r\n5(\r\n|$)/)
      client.write(' and some more\r\n\r\n')
      assert.deepEqual(await client.answers(2), [200, 400], 'it is no request either: Node refuses it')
      await client.closed()
    },
  },
  {
    name: 'a body longer than declared, in one piece, frees its bytes',
    protocols: HTTP1,
    async run(trial) {
      const client = await trial.connect()
      client.write(`${post('/length', '12345')} and some more\r\n\r\n`)
      await client.closed()
      assert.equal(client.statuses.at(-1), 400)
    },
  },
]
