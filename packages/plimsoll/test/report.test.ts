import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createConnectionServer } from 'node:net'
import { join } from 'node:path'
import { parseByteSize } from '@plimsoll/core'
import t, { type Test } from 'tap'
import { CommandError } from '../src/command-error.ts'
import { printed } from './fixtures/plimsoll.ts'
import { report, route, spread } from './fixtures/report.ts'

const MIB = 2 ** 20

// On a machine that has other work.
t.setTimeout(120_000)

/** Serves what a route of a user would, until the test is over. */
async function served(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/plimsoll`
}

function file(t: Test, content: unknown): string {
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  return join(t.testdir({ 'report.json': text }), 'report.json')
}

async function fails(t: Test, source: string, message: RegExp, ...options: string[]): Promise<void> {
  const error = await printed(t, 'report', source, ...options).catch((error: unknown) => error)
  t.ok(error instanceof CommandError, String(error))
  t.match(String(error), message)
}

const documents = route('POST /documents', {
  requests: 12_400,
  declaredBytes: spread(40_000, 16 * MIB),
  reservedBytes: spread(40_000, 16 * MIB),
  heldMs: spread(12.34, 1400, 3000),
  waitedMs: spread(10, 300),
  queued: 13,
  refused: { ERR_PLIMSOLL_QUEUE_FULL: 3, ERR_PLIMSOLL_TOO_SLOW: 0 },
})
const thumbnail = route('GET /thumbnail', {
  requests: 0,
  recommended: {
    cost: { fixed: 8 * MIB + 1, perByte: 0 },
    evidence: { requests: 0, percentile: 99, confidence: 0 },
    because: 'No request was seen.',
  },
})

t.test('a served report is a table in its own order, and what to paste', async t => {
  const url = await served(t, (_req, res) => {
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify(report([documents, thumbnail])))
  })
  const stdout = await printed(t, 'report', url)
  t.match(stdout, /^12,400 requests on 2 routes in 60min/)
  t.match(stdout, /^POST \/documents +12,400 +16MiB +- +16MiB +- +1.4s +13 +300ms +3$/m)
  t.match(stdout, /^GET \/thumbnail +0 +-/m)
  t.ok(stdout.indexOf('POST /documents') < stdout.indexOf('GET /thumbnail'))
  t.match(stdout, '\n  POST /documents: 3 ERR_PLIMSOLL_QUEUE_FULL\n')
  t.match(stdout, "\n  budget: '80MiB',\n")
  t.match(stdout, /Covers 99 % of requests: all but certain \(99 %\), from\s+\/\/ +12,404 requests\./)
  t.match(
    stdout,
    /\n {2}\/\/ POST \/documents\n( {2}\/\/ .*\n)+ {2}cost: \{ fixed: '64KiB', perByte: 2 \},\n/,
  )
  t.match(stdout, 'Covers 99 % of requests: unsure (63 %), from 100 requests.')
  t.match(stdout, "\n  cost: '8.01MiB',\n", 'a cost is rounded up')
  t.match(stdout, /No request was seen\. No request was measured\./)
  t.notMatch(stdout, 'Mode: observe')
})

t.test('a cost that covers all requests says so', async t => {
  const evidence = { requests: 1, percentile: 100, confidence: 1 }
  const sure = route('GET /', { recommended: { ...documents.recommended, evidence } })
  const stdout = await printed(t, 'report', file(t, report([sure])))
  t.match(stdout, /Covers all requests: all but certain \(100 %\),\s+(\/\/ +)?from\s+(\/\/ +)?1 request\./)
})

t.test('what it says to paste are sizes that a governor reads', async t => {
  for (const bytes of [0, 1, 999, 1024, 64 * 1024 + 1, 10.25 * MIB, 1000 * MIB, 3.337 * 2 ** 30, 2 ** 40]) {
    const one = route('POST /', {
      recommended: { ...documents.recommended, cost: { fixed: Math.ceil(bytes), perByte: 0.001 } },
    })
    const stdout = await printed(t, 'report', file(t, report([one])))
    const [, size = '', perByte] = stdout.match(/cost: \{ fixed: '(.*)', perByte: (.*) \}/) ?? []
    t.ok(parseByteSize(size) >= bytes && parseByteSize(size) <= bytes * 1.01 + 1, `${bytes} is ${size}`)
    t.equal(perByte, '0.01')
  }
})

t.test('a table fits 100 columns, whatever routes are called', async t => {
  const name = `POST /documents/${'nested/'.repeat(20)}attachments`
  const stdout = await printed(t, 'report', file(t, report([{ ...documents, route: name }])))
  const [row = ''] = stdout.match(/^POST \/docu.*$/m) ?? []
  t.ok(row.length <= 100, row)
  t.match(row, /^POST \/docu\S*…\S*ments /, 'its start and its end')
  t.match(stdout, `// ${name}\n`, 'and what is to paste has all of it')
})

t.test('of many routes the first are shown, and how many are left', async t => {
  const routes = Array.from({ length: 25 }, (_, n) => route(`GET /r${n}`))
  const path = file(t, report(routes))
  const stdout = await printed(t, 'report', path)
  t.match(stdout, '… and 5 routes more: --routes 25')
  t.notMatch(stdout, '/r20')
  t.match(await printed(t, 'report', path, '--routes', '25'), '// GET /r24\n')
})

t.test('a governor that only observes, or has seen nothing, is told of as that', async t => {
  const path = file(t, report([], { mode: 'observe', forMs: 90_000, at: '2026-11-21T22:00:00.000Z' }))
  const stdout = await printed(t, 'report', path)
  t.match(stdout, 'Mode: observe. Nothing waited')
  t.match(stdout, /^0 requests on 0 routes in 90s/)
  t.notMatch(stdout, /^route/m)
})

t.test('a name that a client made up cannot write on the terminal, nor into code', async t => {
  const stdout = await printed(t, 'report', file(t, report([route('GET /\u001b[2J\nprocess.exit()\u2028')])))
  t.match(stdout, '// GET /?[2J?process.exit()?\n')
  t.notMatch(stdout, '\u001b')
})

t.test('nor can what a server or a file says instead of a report', async t => {
  const server = createConnectionServer(socket => {
    socket.once('data', () => socket.end('HTTP/1.1 500 \u001b[2Jlost\r\nContent-Length: 0\r\n\r\n'))
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await fails(t, `http://127.0.0.1:${port}/`, /answered 500 \?\[2Jlost$/)
  await fails(t, file(t, { at: '\u001b[2J' }), /: field "at": .*"\?\[2J"$/)
  const named = report([{ ...documents, refused: { '\u001b[2J': 'x' } as never }])
  await fails(t, file(t, named), /: field "routes\.0\.refused\.\?\[2J": /)
})

t.test('--json prints the report, as far as this version knows it', async t => {
  const given = report([documents])
  const stdout = await printed(t, 'report', file(t, { ...given, newer: 1 }), '--json')
  t.strictSame(JSON.parse(stdout), given)
})

t.test('what is no report is told with what is wrong', async t => {
  const whole = report([documents])
  const { demandBytes: _, ...part } = whole
  await fails(t, file(t, '<html>\u0007'), /is no JSON: it starts with "<html>\?"/)
  await fails(t, file(t, ' '), /is no JSON: it is empty/)
  await fails(t, file(t, []), /has no report, .*: it is an array/)
  await fails(t, file(t, 'null'), /has no report, .*: all of it: .*Expected Object/)
  await fails(t, file(t, part), /has no report, .*: field "demandBytes": /)
  const negative = report([{ ...documents, requests: -1 }])
  await fails(t, file(t, negative), /: field "routes\.0\.requests": /)
})

t.test('what cannot be read is told with the reason', async t => {
  const folder = t.testdir()
  await fails(t, join(folder, 'none.json'), /none\.json can't be read: no such file/)
  await fails(t, folder, /can't be read: it is a folder/)
  await fails(t, 'http://', /http:\/\/ can't be read: it is no URL/)
  await fails(t, 'http://127.0.0.1:1/', /can't be read: bad port/)

  const url = await served(t, (_req, res) => res.writeHead(404).end('what?'))
  await fails(t, url, /answered 404 Not Found$/)
  const nothing = await served(t, (_req, res) => res.writeHead(204).end())
  await fails(t, nothing, /is no JSON: it is empty/)
  const broken = await served(t, (_req, res) => {
    res.writeHead(200, { 'content-length': 9 }).flushHeaders()
    setImmediate(() => res.destroy())
  })
  await fails(t, broken, /can't be read: (the connection was closed|.* terminated)/)
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  await fails(t, `http://127.0.0.1:${port}/`, /can't be read: connection refused/)
})

t.test('more than 16 MiB, and a server that never ends, are not waited for', async t => {
  const endless = await served(t, (_req, res) => {
    const chunk = Buffer.alloc(2 ** 20, ' ')
    const more = (): void => {
      while (res.write(chunk));
      res.once('drain', more)
    }
    more()
  })
  await fails(t, endless, /is larger than 16MiB, which no report is/)
  const silent = await served(t, () => {})
  await fails(t, silent, /did not answer within 300ms/, '--timeout', '300')
  const halfway = await served(t, (_req, res) => res.write('{'))
  await fails(t, halfway, /did not answer within 300ms/, '--timeout', '300')
})
