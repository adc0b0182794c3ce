import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { RunOnce, type RunOnceOptions } from '../src/run-once.ts'
import { anyValue } from './fixtures/any-value.ts'
import { injected } from './fixtures/injected.ts'
import { type Line, recordingLogger } from './fixtures/recording-logger.ts'

const { req } = injected([], { url: '/path?secret=1', method: 'PUT' })

let culprits = 0

/** Has a request pass `point` twice, by a function whose name nobody else has. */
function culprit(point: RunOnce): () => boolean[] {
  const name = `culprit${culprits++}`
  const named: Record<string, (request: object) => boolean[]> = {
    [name]: request => [point.passes(request, req), point.passes(request, req)],
  }
  return () => named[name]?.({}) as boolean[]
}

function stackOf(line: Line | undefined): string {
  return String((line?.details.err as Error | undefined)?.stack)
}

t.test('each request passes once, and each point by itself', async t => {
  const logger = recordingLogger()
  const [one, other] = [new RunOnce({ logger }), new RunOnce({ logger })]
  const requests = [{}, {}, {}]
  for (const request of requests) t.equal(one.passes(request, req), true)
  for (const request of requests) t.equal(other.passes(request, req), true)
  t.same(logger.lines, [])
  for (const request of requests) t.equal(one.passes(request, req), false)
  for (const request of requests) t.equal(one.passes(request, req), false, 'nor a third time')
})

t.test('a second pass is counted, published, and told with the stack of the second call', async t => {
  const logger = recordingLogger()
  let repeated = 0
  const point = new RunOnce({ logger }, () => repeated++)
  const published: unknown[] = []
  const note = (message: unknown): number => published.push(message)
  subscribe('plimsoll:repeated', note)
  const request = {}
  function first(): void {
    point.passes(request, req)
  }
  function second(): void {
    point.passes(request, req)
  }
  first()
  t.equal(repeated, 0)
  second()
  unsubscribe('plimsoll:repeated', note)
  t.equal(repeated, 1)
  t.match(published, [{ request: req, error: { code: 'ERR_PLIMSOLL_PASSED_TWICE' } }])
  t.match(logger.lines, [
    {
      level: 'warn',
      details: { code: 'ERR_PLIMSOLL_PASSED_TWICE', method: 'PUT', url: '/path' },
      message: /second next\(\)/,
    },
  ])
  const stack = stackOf(logger.lines[0])
  t.match(stack, /^ +at second \(/m)
  t.notMatch(stack, /at first|run-once\.ts|secret/)
  second()
  t.equal(repeated, 2)
  t.equal(published.length, 1, 'nobody listens any more')
})

t.test('the stack reaches beyond frames of a framework, and leaves the limit as it was', async t => {
  const logger = recordingLogger()
  const point = new RunOnce({ logger })
  const request = {}
  const layers = (left: number): boolean => (left === 0 ? point.passes(request, req) : layers(left - 1))
  const { stackTraceLimit } = Error
  layers(30)
  layers(30)
  t.match(stackOf(logger.lines[0]), /run-once\.test\.ts/)
  t.ok(stackOf(logger.lines[0]).split('\n').length > 30)
  t.equal(Error.stackTraceLimit, stackTraceLimit)
})

t.test('each culprit is told once, however often it is at it', async t => {
  const logger = recordingLogger()
  let repeated = 0
  const point = new RunOnce({ logger }, () => repeated++)
  const [one, other] = [culprit(point), culprit(point)]
  for (let n = 0; n < 5; n++) {
    t.same(one(), [true, false])
    t.same(other(), [true, false])
  }
  t.equal(repeated, 10)
  t.equal(logger.lines.length, 2)
})

t.test('the same culprit is told once, whatever of Node stands below it', async t => {
  const logger = recordingLogger()
  const point = new RunOnce({ logger })
  const pass = culprit(point)
  await new Promise<void>(resolve => setImmediate(() => resolve(void pass())))
  await new Promise<void>(resolve => process.nextTick(() => resolve(void pass())))
  await new Promise<void>(resolve => setTimeout(() => resolve(void pass()), 1))
  // Where it was called from is a frame of this file, and three lines of it.
  t.ok(logger.lines.length <= 3)
  for (const line of logger.lines) t.match(stackOf(line), /culprit\d/)
})

t.test('who calls with what differs each time does not fill the memory, or the log', async t => {
  const logger = recordingLogger()
  let repeated = 0
  const point = new RunOnce({ logger }, () => repeated++)
  for (let n = 0; n < 300; n++) culprit(point)()
  t.equal(repeated, 300)
  t.equal(logger.lines.length, 100)
})

t.test('what tells culprits apart can be a part of the stack', async t => {
  const logger = recordingLogger()
  const stacks: string[] = []
  const point = new RunOnce({ logger }, undefined, stack => {
    stacks.push(stack)
    return 'the same'
  })
  culprit(point)()
  culprit(point)()
  t.equal(logger.lines.length, 1)
  t.equal(stacks.length, 2)
  for (const stack of stacks) t.notMatch(stack, /node:internal/)
})

t.test("with 'throw' the second call fails, and nothing is logged", async t => {
  const logger = recordingLogger()
  let repeated = 0
  const point = new RunOnce({ action: 'throw', logger }, () => repeated++)
  const request = {}
  t.equal(point.passes(request, req), true)
  t.throws(() => point.passes(request, req), { code: 'ERR_PLIMSOLL_PASSED_TWICE', statusCode: 500 })
  t.throws(() => point.passes(request, req), { code: 'ERR_PLIMSOLL_PASSED_TWICE' })
  t.equal(repeated, 2)
  t.same(logger.lines, [])
})

t.test('without a logger it warns on stderr', async t => {
  const warned = new Promise<Error>(resolve => process.once('warning', resolve))
  culprit(new RunOnce())()
  t.match(await warned, { name: 'PlimsollWarning', message: /second next\(\)/ })
})

t.test('options that are wrong are named', async t => {
  for (const [options, message] of [
    [{ action: 'always' }, /^action must be "report" or "throw", got 'always'/],
    [{ logger: {} }, /^logger must be/],
    [{ acton: 'throw' }, /"acton"/],
    [null, /^options must be an object/],
  ] as const) {
    t.throws(() => new RunOnce(anyValue<RunOnceOptions>(options)), { code: 'ERR_PLIMSOLL_OPTION', message })
  }
})
