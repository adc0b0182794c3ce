import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { PlimsollError, type PlimsollErrorCode, STATUS_OF_CODE } from '../src/errors.ts'
import { LOG_EVERY_MS, RefusalLog } from '../src/refusal-log.ts'
import type { HttpRequest } from '../src/request-head.ts'
import { anyValue } from './fixtures/any-value.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'

const request = anyValue<HttpRequest>({ method: 'POST', url: '/upload?token=secret' })

function refusal(code: PlimsollErrorCode): PlimsollError {
  return new PlimsollError(code, 'text', { bytes: 5, limit: 3 })
}

t.test(
  'the first refusal of each code is logged at once, and the rest in one line every ten seconds',
  async t => {
    const clock = new FakeClock(t)
    const logger = recordingLogger()
    const log = new RefusalLog(logger)
    for (let n = 0; n < 1000; n++) log.refused(request, refusal('ERR_PLIMSOLL_QUEUE_FULL'))
    log.refused(request, refusal('ERR_PLIMSOLL_QUEUE_TIMEOUT'))
    t.match(logger.lines, [
      {
        level: 'warn',
        details: { code: 'ERR_PLIMSOLL_QUEUE_FULL', method: 'POST', url: '/upload', bytes: 5, limit: 3 },
        message: /refused a request/,
      },
      { level: 'warn', details: { code: 'ERR_PLIMSOLL_QUEUE_TIMEOUT' } },
    ])
    t.equal(logger.lines.length, 2)
    t.notMatch(JSON.stringify(logger.lines), /secret/, 'a query is nobody’s business')
    clock.tick(LOG_EVERY_MS - 1)
    t.equal(logger.lines.length, 2)
    clock.tick(1)
    t.match(logger.lines[2], {
      level: 'warn',
      details: { code: 'ERR_PLIMSOLL_QUEUE_FULL', refused: 999 },
      message: /refused 999 more requests/,
    })
    t.equal(logger.lines.length, 3, 'nothing is said where there was nothing more')
    t.equal(clock.pending, 0, 'no timer runs while there is nothing to tell')
  },
)

t.test('a flood that goes on is a line or two every ten seconds', async t => {
  const clock = new FakeClock(t)
  const logger = recordingLogger()
  const log = new RefusalLog(logger)
  for (let second = 0; second < 60; second++) {
    for (let n = 0; n < 100; n++) log.refused(request, refusal('ERR_PLIMSOLL_QUEUE_FULL'))
    clock.tick(1000)
  }
  log.flush()
  t.ok(logger.lines.length <= 14, `${logger.lines.length} lines`)
  const told = logger.lines.reduce(
    (sum, { details }) => sum + ((details.refused as number | undefined) ?? 1),
    0,
  )
  t.equal(told, 6000, 'and none of them is forgotten')
})

t.test('a flush tells what was not told yet, and stops the timer', async t => {
  const clock = new FakeClock(t)
  const logger = recordingLogger()
  const log = new RefusalLog(logger)
  log.flush()
  t.same(logger.lines, [])
  for (let n = 0; n < 3; n++) log.refused(request, refusal('ERR_PLIMSOLL_NO_ROOM'))
  log.flush()
  t.match(logger.lines[1], { details: { refused: 2 } })
  t.equal(clock.pending, 0)
  log.flush()
  clock.tick(LOG_EVERY_MS)
  t.equal(logger.lines.length, 2)
  log.refused(request, refusal('ERR_PLIMSOLL_NO_ROOM'))
  t.equal(logger.lines.length, 3, 'the next is the first again')
  log.flush()
})

t.test('a client that is gone is no refusal of ours, and not logged', async t => {
  const clock = new FakeClock(t)
  const logger = recordingLogger()
  new RefusalLog(logger).refused(request, refusal('ERR_PLIMSOLL_CLIENT_GONE'))
  clock.tick(LOG_EVERY_MS)
  t.same(logger.lines, [])
})

t.test('what can be done about a refusal is said with it', async t => {
  const advice: Partial<Record<PlimsollErrorCode, RegExp>> = {
    ERR_PLIMSOLL_TOO_SLOW: /stood still.*bound what one may hold: `share`$/,
    ERR_PLIMSOLL_NO_ROOM: /mount the route's policy before the application's/,
    ERR_PLIMSOLL_BODY_TOO_LARGE: /raise maxBody .*body: 'stream'/,
    ERR_PLIMSOLL_BODY_OVER_BUDGET: /raise the budget.*body: 'stream'/,
    ERR_PLIMSOLL_COST_OVER_BUDGET: /configuration error/,
    ERR_PLIMSOLL_COST_FUNCTION: /configuration error/,
  }
  for (const code of Object.keys(STATUS_OF_CODE) as PlimsollErrorCode[]) {
    if (code === 'ERR_PLIMSOLL_CLIENT_GONE' || code === 'ERR_PLIMSOLL_RELEASED') continue
    const logger = recordingLogger()
    const log = new RefusalLog(logger)
    const cause = new TypeError('inner')
    log.refused(request, new PlimsollError(code, 'text', { cause }))
    log.refused(request, refusal(code))
    log.flush()
    const [first, rest] = logger.lines
    t.match(first?.details, { err: cause }, code)
    if (advice[code] === undefined) t.equal(first?.message, 'plimsoll refused a request')
    else t.match([first?.message, rest?.message], [advice[code], advice[code]])
    const level = /COST/.test(code) ? 'error' : 'warn'
    t.match([first?.level, rest?.level], [level, level])
  }
})

/** Runs the fixture in a process of its own, without a logger. */
async function refuseInChild(
  env: NodeJS.ProcessEnv,
): Promise<{ out: string; err: string; exitCode: number }> {
  const fixture = fileURLToPath(new URL('./fixtures/refuse-without-logger.ts', import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, fixture], { env: { ...process.env, ...env } })
  const [out, err, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  return { out, err, exitCode }
}

t.test('without a logger refusals are warnings on stderr, and stdout is left alone', async t => {
  const { out, err, exitCode } = await refuseInChild({ NODE_DEBUG: '' })
  t.equal(out, '')
  t.match(err, /PlimsollWarning: plimsoll refused a request: the body is larger than the route allows/)
  t.match(err, /ERR_PLIMSOLL_BODY_TOO_LARGE/)
  t.match(err, /PlimsollWarning: plimsoll refused a request: configuration error/)
  t.match(err, /no such tenant/, 'with what the cost function threw')
  t.notMatch(err, /undefined/, 'and without what is not known')
  t.notMatch(err, /plimsoll chose a budget/)
  t.equal(exitCode, 0, 'nothing of ours keeps the process alive')
})

t.test('NODE_DEBUG=plimsoll tells on stderr what budget was chosen', async t => {
  const { out, err } = await refuseInChild({ NODE_DEBUG: 'plimsoll' })
  t.equal(out, '')
  t.equal(err.match(/plimsoll chose a budget of \d+ MiB/g)?.length, 1)
})
