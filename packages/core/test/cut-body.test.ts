import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import bodyParser from 'body-parser'
import finalhandler from 'finalhandler'
import onFinished from 'on-finished'
import t, { type Test } from 'tap'
import { cutBody } from '../src/cut-body.ts'
import { PlimsollError } from '../src/errors.ts'
import { Governor } from '../src/governor.ts'
import { LINGER_BYTES } from '../src/lingering-close.ts'
import type { HttpRequest, HttpResponse } from '../src/request-head.ts'
import { anyValue } from './fixtures/any-value.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { isIdle } from './fixtures/governed-server.ts'
import { type Asking, type Listener, listening, PROTOCOLS } from './fixtures/http-servers.ts'
import { silent } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'

const LIMIT = 100_000

/** Middleware of Express's world knows requests of HTTP/1, and is used for both. */
type Middleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void

const parse: Middleware = bodyParser.raw({ type: () => true, limit: Number.POSITIVE_INFINITY })

/** Sends more than the limit and does not end. */
async function uploading(t: Test, name: 'http' | 'h2c', listener: Listener): Promise<Asking> {
  const client = PROTOCOLS[name].connect(await listening(t, PROTOCOLS[name].create(listener)))
  t.teardown(() => client.close())
  const upload = client.open()
  for (let sent = 0; sent <= LIMIT; sent += 10_000) upload.write('x'.repeat(10_000))
  return upload
}

t.test('body-parser passes on a refusal amid a body, and Express\u2019s last handler answers it', async t => {
  // Time stands still: nobody waits for a client that goes on.
  const clock = new FakeClock(t)
  const governor = new Governor({ budget: '1MiB', maxBody: LIMIT, logger: silent })
  const passed: unknown[] = []
  const upload = await uploading(
    t,
    'http',
    governor.listener((req: HttpRequest, res: HttpResponse) => {
      const [request, response] = [anyValue<IncomingMessage>(req), anyValue<ServerResponse>(res)]
      parse(request, response, error => {
        passed.push(error)
        finalhandler(request, response, { env: 'production' })(error)
      })
    }),
  )
  t.match(await upload.answer(), { status: 413, text: /Payload Too Large/ })
  t.match(passed, [{ code: 'ERR_PLIMSOLL_BODY_TOO_LARGE', status: 413, statusCode: 413, expose: true }])
  upload.leave()
  await until(() => isIdle(governor), 'an idle governor')
  await governor.close()
  t.ok(clock)
})

for (const name of ['http', 'h2c'] as const) {
  t.test(
    `${name}: Express's last handler answers a request whose body was cut before it was read`,
    async t => {
      const upload = await uploading(t, name, (req, res) => {
        const error = new PlimsollError('ERR_PLIMSOLL_QUEUE_FULL', 'text')
        error.headers = { 'Retry-After': '7' }
        cutBody(req, error)
        const handle = finalhandler(anyValue<IncomingMessage>(req), anyValue<ServerResponse>(res))
        handle(error)
      })
      t.match(await upload.answer(), { status: 503, headers: { 'retry-after': '7' } })
    },
  )

  t.test(`${name}: a cut body is finished for on-finished, for those who ask before and after`, async t => {
    const told: string[] = []
    const upload = await uploading(t, name, (req, res) => {
      const request = anyValue<IncomingMessage>(req)
      t.notOk(onFinished.isFinished(request))
      onFinished(request, () => told.push('before'))
      cutBody(req, new PlimsollError('ERR_PLIMSOLL_BODY_TOO_LARGE', 'text'))
      onFinished(request, () => {
        told.push('amid')
        t.ok(onFinished.isFinished(request))
        onFinished(request, () => {
          told.push('after')
          res.end('answer')
        })
      })
    })
    t.match(await upload.answer(), { status: 200, text: 'answer' })
    t.same(told.sort(), ['after', 'amid', 'before'])
  })

  t.test(`${name}: who hears of a cut body finds it incomplete`, async t => {
    const complete: [when: string, complete: boolean][] = []
    const upload = await uploading(t, name, (req, res) => {
      const note = (when: string): void => {
        complete.push([when, req.complete])
      }
      req.on('error', async () => {
        note('error')
        await undefined
        note('a promise after error')
      })
      req.on('close', async () => {
        note('close')
        await undefined
        await undefined
        note('promises after close')
        process.nextTick(note, 'a tick after close')
      })
      cutBody(req, new PlimsollError('ERR_PLIMSOLL_BODY_TOO_LARGE', 'text'))
      note('the cut')
      onFinished(anyValue<IncomingMessage>(req), () => {
        note('finished')
        res.end()
      })
    })
    t.match(await upload.answer(), { status: 200 })
    t.same(complete, [
      ['the cut', false],
      ['error', false],
      ['close', false],
      ['a promise after error', false],
      ['promises after close', false],
      ['a tick after close', false],
      ['finished', name === 'http'],
    ])
  })

  t.test(
    `${name}: who goes on sending after its body was cut is not read for ever, and can be answered`,
    async t => {
      let answer = (): void => {}
      const upload = await uploading(t, name, (req, res) => {
        req.once('data', () => {
          cutBody(req, new PlimsollError('ERR_PLIMSOLL_BODY_TOO_LARGE', 'text'))
          anyValue<ServerResponse>(res).write('begun')
          answer = () => res.end(' and ended')
        })
      })
      const part = Buffer.alloc(65_536)
      let sent = 0
      const more = (): void =>
        upload.write(part, () => {
          sent += part.length
          setImmediate(more)
        })
      more()
      let before: number
      do {
        before = sent
        await sleep(200)
        if (sent > 4 * LINGER_BYTES) throw new Error('it is read for ever')
      } while (sent > before)
      t.ok(sent >= LINGER_BYTES / 2, `${sent} bytes`)
      answer()
      t.match(await upload.answer(), { text: 'begun and ended' })
    },
  )
}
