import { type GovernedServer, type Handler, scenario } from './fixtures/governed-server.ts'
import { CHUNKED, chunk, head, LAST_CHUNK, post } from './fixtures/raw-client.ts'
import { until } from './fixtures/until.ts'

/** Reads nothing and answers on `/answer`, so that a test can look at what is held meanwhile. */
const readAndWait: Handler = (req, res, _reservation, server) => {
  req.resume()
  if (req.url === '/answer') res.end()
  else server.http.once('answer', () => res.end())
}

function refusedOnce(code: string): object {
  return { refused: { [code]: 1 }, admitted: 0 }
}

async function holds(server: GovernedServer, bytes: number): Promise<void> {
  const { budget } = server.governor
  await until(
    () => budget.reserved === bytes,
    () => `${bytes} reserved, there are ${budget.reserved}`,
  )
}

scenario('a body is reserved as declared, and what arrives is paid in', {}, async (t, server) => {
  const client = await server.connect()
  client.write(`${head('POST', '/a', { 'Content-Length': 10 })}12345`)
  await server.reached(1)
  t.equal(server.governor.budget.reserved, 10)
  await until(() => server.governor.budget.paidIn === 5, 'what has arrived')
  client.write('67890')
  t.same(await client.answers(1), [200])
  t.match(client.received, /\r\n\r\n10$/)
})

scenario('what follows a body of the declared length is not part of it', {}, async (t, server) => {
  const client = await server.connect()
  client.write(post('/a', '12345'))
  t.same(await client.answers(1), [200])
  t.match(client.received, /\r\n\r\n5$/)
  client.write(' and some more\r\n\r\n')
  t.same(await client.answers(2), [200, 400], 'it is no request either: Node refuses it')
  await client.closed()
  t.match(server.governor.stats(), { admitted: 1 })
})

scenario('a body longer than declared, in one piece, frees its bytes', {}, async (t, server) => {
  const client = await server.connect()
  client.write(`${post('/a', '12345')} and some more\r\n\r\n`)
  await client.closed()
  t.equal(client.statuses.at(-1), 400)
  await server.idle()
  t.match(server.governor.stats(), { admitted: 1, released: 1 })
})

for (const how of ['ends', 'leaves', 'resets'] as const) {
  scenario(
    `a client that ${how} amid a shorter body than declared frees its bytes`,
    {},
    async (t, server) => {
      const client = await server.connect()
      client.write(`${head('POST', '/a', { 'Content-Length': 100 })}12345`)
      await until(() => server.governor.budget.paidIn === 5, 'what has arrived')
      t.equal(server.governor.budget.reserved, 100)
      if (how === 'ends') client.socket.end()
      else if (how === 'leaves') client.leave()
      else client.reset()
      await server.idle()
      t.match(server.governor.stats(), { admitted: 1, released: 1, active: 0 })
    },
  )
}

scenario(
  'a body without a length reserves all that may come, and gives the rest back',
  { options: { budget: 1000 }, handler: readAndWait },
  async (t, server) => {
    const client = await server.connect()
    client.write(head('POST', '/a', CHUNKED) + chunk('12345'))
    await server.reached(1)
    t.equal(server.governor.budget.reserved, 1000)
    client.write(chunk('678') + LAST_CHUNK)
    await holds(server, 8)
    server.http.emit('answer')
    t.same(await client.answers(1), [200])
  },
)

scenario(
  'the rest of one body without a length admits the next',
  { options: { budget: 1000, maxBody: 600 }, handler: readAndWait },
  async (t, server) => {
    const [one, other] = [await server.connect(), await server.connect()]
    one.write(head('POST', '/a', CHUNKED) + chunk('12345'))
    await holds(server, 600)
    other.write(head('POST', '/b', CHUNKED) + chunk('12345') + LAST_CHUNK)
    await server.queued(1)
    one.write(LAST_CHUNK)
    await server.reached(2)
    await holds(server, 10)
    server.http.emit('answer')
    t.same([...(await one.answers(1)), ...(await other.answers(1))], [200, 200])
  },
)

scenario(
  'a body without a length that came in whole while it waited is charged what it is',
  { options: { budget: 1000 }, handler: readAndWait },
  async (t, server) => {
    const [one, other] = [await server.connect(), await server.connect()]
    one.write(head('POST', '/a', { 'Content-Length': 1 }))
    await server.reached(1)
    other.write(head('POST', '/b', CHUNKED) + chunk('12345') + LAST_CHUNK)
    await server.queued(1)
    one.write('1')
    server.http.emit('answer')
    await server.reached(2)
    t.match(server.governor.budget, { reserved: 5, paidIn: 5 })
    server.http.emit('answer')
    t.same(await other.answers(1), [200])
  },
)

scenario(
  'a body without a length pays by the cost function once its length is known',
  {
    options: { budget: 1000, maxBody: 100, cost: head => 50 + 2 * (head.declaredBytes ?? Number.NaN) },
    handler: readAndWait,
  },
  async (t, server) => {
    const client = await server.connect()
    client.write(head('POST', '/a', CHUNKED) + chunk('12345'))
    await holds(server, 250)
    client.write(LAST_CHUNK)
    await holds(server, 60)
    server.http.emit('answer')
    t.same(await client.answers(1), [200])
  },
)

scenario(
  'a body without a length is cut where it passes maxBody, and its client reads a 413',
  { options: { budget: 1000, maxBody: 10 } },
  async (t, server) => {
    const client = await server.connect()
    client.write(head('POST', '/a', CHUNKED) + chunk('1234567890'))
    await holds(server, 10)
    await until(() => server.governor.budget.paidIn === 10, 'the part within the limit')
    client.write(chunk('1'))
    t.same(await client.answers(1), [413])
    t.match(client.received, /ERR_PLIMSOLL_BODY_TOO_LARGE/)
    t.match(server.governor.stats().refused, { ERR_PLIMSOLL_BODY_TOO_LARGE: 1 })
    await client.closed()
  },
)

scenario(
  'a body without a length and a limit is cut at what the budget can buffer',
  { options: { budget: 10 } },
  async (t, server) => {
    const client = await server.connect()
    client.write(head('POST', '/a', CHUNKED) + chunk('1234567890') + chunk('1') + LAST_CHUNK)
    t.same(await client.answers(1), [413])
    await client.closed()
  },
)

scenario(
  'a body without a length is cut where it costs more than was reserved',
  { options: { budget: 100, maxBody: 80, cost: head => 2 * (head.declaredBytes ?? 0) } },
  async (t, server) => {
    const client = await server.connect()
    client.write(head('POST', '/a', CHUNKED) + chunk('1'.repeat(50)))
    await holds(server, 100)
    client.write(chunk('1'))
    t.same(await client.answers(1), [413])
    t.match(client.received, /ERR_PLIMSOLL_BODY_OVER_BUDGET/)
    await client.closed()
  },
)

scenario(
  'a body read as a stream reserves a window of it, whatever its length',
  { options: { budget: '1MiB', body: 'stream' }, handler: readAndWait },
  async (t, server) => {
    const client = await server.connect()
    client.write(`${head('POST', '/a', { 'Content-Length': 3 })}123`)
    await holds(server, 3)
    server.http.emit('answer')
    await client.answers(1)
    client.write(head('POST', '/b', CHUNKED) + chunk('12345'))
    await holds(server, 128 * 1024)
    client.write(LAST_CHUNK)
    await holds(server, 5)
    server.http.emit('answer')
    await client.answers(2)
    const size = 3 * 2 ** 20
    client.write(head('POST', '/c', { 'Content-Length': size }))
    await holds(server, 128 * 1024)
    client.write(Buffer.alloc(size))
    await until(() => server.governor.budget.paidIn === 128 * 1024, 'the window, paid in')
    server.http.emit('answer')
    t.same(await client.answers(3), [200, 200, 200])
  },
)

scenario(
  'a body read as a stream is still bounded by maxBody',
  { options: { body: 'stream', maxBody: 10 } },
  async (t, server) => {
    t.match(await server.send('/a', '12345678901'), { status: 413 })
    const client = await server.connect()
    client.write(head('POST', '/a', CHUNKED) + chunk('1234567890') + chunk('1'))
    t.same(await client.answers(1), [413])
  },
)

scenario('no body costs nothing, however that is told', { handler: readAndWait }, async (t, server) => {
  const client = await server.connect()
  const heads = [head('GET', '/a'), head('POST', '/b', { 'Content-Length': 0 }), head('POST', '/c')]
  for (const [n, text] of heads.entries()) {
    client.write(text)
    await server.reached(n + 1)
    t.equal(server.governor.budget.reserved, 0)
    server.http.emit('answer')
    await client.answers(n + 1)
  }
  client.write(head('POST', '/d', CHUNKED))
  await holds(server, 2 ** 20)
  client.write(LAST_CHUNK)
  await holds(server, 0)
  server.http.emit('answer')
  t.same(await client.answers(4), [200, 200, 200, 200])
})

scenario('a length that no double can hold is refused with 400', {}, async (t, server) => {
  const client = await server.connect()
  client.write(`${head('POST', '/a', { 'Content-Length': '9007199254740993' })}12345`)
  t.same(await client.answers(1), [400])
  t.match(client.received, /ERR_PLIMSOLL_BAD_LENGTH/)
  t.match(server.governor.stats(), refusedOnce('ERR_PLIMSOLL_BAD_LENGTH'))
  t.same(server.handled, [])
})

scenario('the largest length that a double can hold is merely too large', {}, async (t, server) => {
  const client = await server.connect()
  client.write(head('POST', '/a', { 'Content-Length': Number.MAX_SAFE_INTEGER }))
  t.same(await client.answers(1), [413])
})

for (const [what, lines] of Object.entries({
  negative: 'Content-Length: -1',
  signed: 'Content-Length: +5',
  fractional: 'Content-Length: 1.5',
  hexadecimal: 'Content-Length: 0x5',
  endless: `Content-Length: ${'9'.repeat(40)}`,
  duplicated: 'Content-Length: 5\r\nContent-Length: 5',
  'duplicated with another value': 'Content-Length: 5\r\nContent-Length: 6',
  'a list': 'Content-Length: 5, 5',
  'beside a chunked coding': 'Content-Length: 5\r\nTransfer-Encoding: chunked',
})) {
  scenario(`a length that is ${what} is refused with 400 and reserves nothing`, {}, async (t, server) => {
    const client = await server.connect()
    client.write(`POST /a HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n\r\n12345`)
    t.same(await client.answers(1), [400])
    await client.closed()
    t.match(server.governor.stats(), { admitted: 0 })
    t.same(server.handled, [])
  })
}

scenario('a body larger than maxBody is refused at once', { options: { maxBody: 10 } }, async (t, server) => {
  t.match(await server.send('/a', '1234567890'), { status: 200, text: '10' })
  const answer = await server.send('/b', '12345678901')
  t.match(answer, { status: 413, headers: { 'retry-after': undefined } })
  t.match(JSON.parse(answer.text), {
    statusCode: 413,
    code: 'ERR_PLIMSOLL_BODY_TOO_LARGE',
    error: 'Payload Too Large',
    message: 'The request body is too large',
  })
  t.notMatch(answer.text, /10/, 'the client is told no limit')
  t.same(server.handled, ['/a'])
})

scenario(
  'a body larger than the budget is refused at once',
  { options: { budget: 10 } },
  async (t, server) => {
    t.match(await server.send('/a', '1234567890'), { status: 200, text: '10' })
    const answer = await server.send('/b', '12345678901')
    t.match(answer, { status: 413, headers: { 'retry-after': undefined } })
    t.match(JSON.parse(answer.text), { code: 'ERR_PLIMSOLL_BODY_OVER_BUDGET' })
    t.match(server.governor.stats().refused, { ERR_PLIMSOLL_BODY_OVER_BUDGET: 1 })
  },
)

scenario(
  'a body too large is refused at once where others wait, too',
  { options: { budget: 10, maxBody: 8 }, handler: readAndWait },
  async (t, server) => {
    const [one, other] = [await server.connect(), await server.connect()]
    one.write(post('/a', '12345678'))
    await server.reached(1)
    other.write(post('/b', '12345678'))
    await server.queued(1)
    t.match(await server.send('/c', '123456789'), { status: 413 })
    server.http.emit('answer')
    await server.reached(2)
    server.http.emit('answer')
    t.same(await other.answers(1), [200])
  },
)

scenario(
  'a budget that was shrunk makes a body wait, and never too large',
  { options: { budget: 10 } },
  async (t, server) => {
    server.governor.budget.resize(5)
    const client = await server.connect()
    client.write(post('/a', '12345678'))
    await server.queued(1)
    t.match(await server.send('/b', '12345'), { status: 200 }, 'smaller ones go past it')
    server.governor.budget.resize(10)
    t.same(await client.answers(1), [200])
  },
)

scenario(
  'a budget shrunk below what is reserved lets those finish, and then admits again',
  { options: { budget: 10 }, handler: readAndWait },
  async (t, server) => {
    const [one, other] = [await server.connect(), await server.connect()]
    one.write(post('/a', '12345678'))
    await server.reached(1)
    server.governor.budget.resize(4)
    t.match(server.governor.stats(), { capacity: 4, reserved: 8, available: 0 })
    other.write(post('/b', '123'))
    await server.queued(1)
    server.http.emit('answer')
    t.same(await one.answers(1), [200])
    await server.reached(2)
    server.http.emit('answer')
    t.same(await other.answers(1), [200])
    server.governor.budget.resize(10)
  },
)
