import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { BareClient, head, send, serve, UNCOVERED, until } from '@plimsoll/contract'
import t from 'tap'
import { plimsoll } from '../src/index.ts'
import { inBoth } from './fixtures/express-versions.ts'
import { silent } from './fixtures/silent.ts'

const program = fileURLToPath(new URL('fixtures/throwing-program.ts', import.meta.url))

// Programs that start, on a machine that has other work.
t.setTimeout(120_000)

inBoth('what is thrown behind us is heard by those who hear it without us', async (t, _express, version) => {
  const args = [
    '--conditions=plimsoll-source',
    '--import',
    import.meta.resolve('tsx'),
    program,
    String(version),
  ]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: UNCOVERED })
  const toHandler = Array(3).fill(['error handler: thrown'])
  const toProcess = Array(3).fill(['uncaughtException: thrown'])
  t.strictSame(JSON.parse(stdout), {
    'at once': toHandler,
    // Express 4 knows no promises.
    'in a promise': version === 4 ? Array(3).fill(['unhandledRejection: thrown']) : toHandler,
    'in a timer': toProcess,
    'in the next tick': toProcess,
  })
})

inBoth(
  'a requeue that gets nothing is a 503 of the framework, with Retry-After',
  async (t, express, version) => {
    const governed = plimsoll({ budget: 10, queue: { limit: 0 }, logger: silent })
    const { budget } = governed.governor
    const app = express().set('env', 'production').use(governed)
    const logged = t.capture(console, 'error', () => {}).args
    app.post('/', express.text(), async (req, res, next) => {
      const taken = budget.tryAcquire(budget.available)
      try {
        await req.plimsoll.requeue(10)
        res.send('requeued')
      } catch (error) {
        // Express 5 passes a rejection on, 4 leaves it to the process.
        if (version === 5) throw error
        next(error)
      } finally {
        taken?.release()
      }
    })
    const server = await serve(t, app, governed.governor)
    const { status, headers, text } = await send(server.port, '/', {
      body: 'x',
      headers: { 'content-type': 'text/plain' },
    })
    t.equal(status, 503)
    t.match(headers['retry-after'], /^\d+$/)
    t.match(text, '<pre>Service Unavailable</pre>')
    await until(() => logged().length === 1, 'Express to print an error that no handler takes')
    t.equal(governed.governor.stats().refused.ERR_PLIMSOLL_QUEUE_FULL, 1)
  },
)

inBoth('an error after the answer has begun cuts it, and releases it', async (t, express) => {
  const governed = plimsoll({ budget: '1MiB', cost: 1, logger: silent })
  const app = express().use(governed)
  app.get('/', (_req, res, next) => {
    res.write('begun')
    next(new Error('too late'))
  })
  const logged = t.capture(console, 'error', () => {}).args
  const server = await serve(t, app, governed.governor)
  const client = await BareClient.to(server.port)
  client.write(head('GET /'))
  await client.closed()
  t.match(client.received, /200 OK[\s\S]+begun\r\n$/)
  await server.idle()
  await until(() => logged().length === 1, 'Express to print it')
})
