import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import { readFlight, SLOT_BYTES, SLOTS } from '../src/flight-log.ts'
import { FlightRecorder } from '../src/flight-recorder.ts'
import { Governor } from '../src/governor.ts'
import type { GovernorOptions } from '../src/governor-options.ts'
import { anyValue } from './fixtures/any-value.ts'
import { scenario } from './fixtures/governed-server.ts'
import { recordingLogger, silent } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'

const NEVER_MS = 2 ** 31 - 1

function newFile(t: Test): string {
  return join(t.testdir(), 'flight')
}

function recorderOf(file: string, admitted = (): number => 0): FlightRecorder {
  const governor = new Governor({ budget: 100, logger: silent })
  const stats = () => ({ ...governor.stats(), admitted: admitted() })
  return new FlightRecorder({ file, everyMs: NEVER_MS }, stats, silent)
}

for (const [recorder, message] of [
  ['', /^recorder must be the path of a file, got ''/],
  [5, /^recorder must be an object/],
  [null, /^recorder must be an object/],
  [{}, /^recorder\.file must be the path of a file/],
  [{ file: 5 }, /^recorder\.file must be/],
  [{ file: 'x', every: 5 }, /^the key "every" of recorder must be one of file, everyMs/],
  ...[9, 1.5, Number.NaN, '1000', null, 2 ** 31].map(
    everyMs => [{ file: 'x', everyMs }, /^recorder\.everyMs must be a whole number from 10/] as const,
  ),
] as const) {
  t.test(`recorder ${inspect(recorder)} is refused when the server starts`, async t => {
    t.throws(() => new Governor(anyValue<GovernorOptions>({ budget: 5, recorder })), {
      code: 'ERR_PLIMSOLL_OPTION',
      message,
    })
  })
}

t.test('a file that cannot be made stops the server when it starts', async t => {
  const dir = t.testdir({ notes: 'of somebody', folder: {} })
  for (const [recorder, message] of [
    [join(dir, 'no', 'folder'), /^recorder must be a file that can be written \(ENOENT/],
    [join(dir, 'folder'), /^recorder must be a file that can be written/],
    [join(dir, 'notes'), /^recorder must be a file .*there is another file by that name/],
    ['/dev/full', /^recorder must be a file that can be written \(ENOSPC/],
  ] as const) {
    t.throws(() => new Governor({ budget: 5, recorder }), { code: 'ERR_PLIMSOLL_OPTION', message })
  }
  t.equal(readFileSync(join(dir, 'notes'), 'utf8'), 'of somebody', 'and nothing is lost')
})

t.test('by default nothing is written, and a recorder without a period takes a sample a second', async t => {
  const governor = new Governor({ budget: 5, logger: silent })
  await governor.close()
  t.throws(() => new Governor({ budget: 5, recorder: 'no/such/folder' }), /no\/such\/folder/)
  const file = newFile(t)
  const recorded = new Governor({ budget: 5, recorder: file, logger: silent })
  await recorded.close()
  t.equal(readFlight(file).length, 1, 'the last one, of its end')
})

t.test('the file has its whole size from the start, and keeps the last 60 samples', async t => {
  const file = newFile(t)
  let admitted = 0
  const recorder = recorderOf(file, () => admitted++)
  t.equal(statSync(file).size, SLOTS * SLOT_BYTES)
  t.same(readFlight(file), [])
  for (let n = 0; n < 70; n++) recorder.sample()
  t.equal(statSync(file).size, SLOTS * SLOT_BYTES)
  t.same(
    readFlight(file).map(sample => sample.admitted),
    Array.from({ length: SLOTS }, (_, n) => n + 10),
  )
  recorder.close()
  recorder.close()
  t.equal(readFlight(file).at(-1)?.admitted, 70, 'the last one is written when it is closed')
})

t.test('a restart keeps the evidence of the run before', async t => {
  const file = newFile(t)
  const first = recorderOf(file, () => 1)
  first.sample()
  const second = recorderOf(file, () => 2)
  t.match(readFlight(`${file}.previous`), [{ admitted: 1 }])
  t.same(readFlight(file), [])

  // Dies before it has a sample.
  const third = recorderOf(file, () => 3)
  t.match(readFlight(`${file}.previous`), [{ admitted: 1 }], 'which one that leaves none does not destroy')
  for (const recorder of [first, second, third]) recorder.close()
})

t.test('an empty file is as good as none', async t => {
  const file = newFile(t)
  writeFileSync(file, '')
  recorderOf(file).close()
  t.equal(readFlight(file).length, 1)
  t.throws(() => readFlight(`${file}.previous`), { code: 'ENOENT' })
})

t.test('what goes wrong later is logged once, and thrown at nobody', async t => {
  const logger = recordingLogger()
  let fails = true
  const stats = new Governor({ budget: 5, logger: silent }).stats()
  const file = newFile(t)
  const recorder = new FlightRecorder(
    { file, everyMs: NEVER_MS },
    () => {
      if (fails) throw new Error('no')
      return stats
    },
    logger,
  )
  recorder.sample()
  recorder.sample()
  t.match(logger.lines, [{ level: 'warn', details: { file, err: { message: 'no' } } }])
  t.equal(logger.lines.length, 1)
  fails = false
  recorder.close()
  t.equal(readFlight(file).length, 1, 'and it goes on as soon as it can')
})

const dir = t.testdir()
const file = join(dir, 'flight')

scenario(
  'a sample tells what was reserved, waiting, refused and really used',
  {
    options: { budget: 100, queue: { limit: 1 }, recorder: { file, everyMs: 10 } },
    handler: (_req, res, _r, server) => server.http.once('go', () => res.end()),
  },
  async (t, server) => {
    const [one, two, three] = [await server.connect(), await server.connect(), await server.connect()]
    one.write('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 60\r\n\r\n12345')
    await server.reached(1)
    two.write('POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n')
    await server.queued(1)
    three.write('POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n')
    await three.answers(1)
    const last = () => readFlight(file).at(-1)
    await until(() => last()?.refused === 1, 'a sample')
    t.match(last(), {
      ...{ capacity: 100, ceiling: 100, reserved: 60, lent: 0 },
      ...{ waiting: 1, active: 1, admitted: 1, released: 0, refused: 1 },
    })
    const { at, residentBytes, heapUsedBytes, externalBytes, usedBytes, limitBytes } = last() ?? {}
    const figures = [residentBytes, heapUsedBytes, externalBytes, usedBytes, limitBytes]
    t.ok(
      figures.every(bytes => Number.isSafeInteger(bytes) && Number(bytes) > 0),
      `${figures}`,
    )
    t.ok(Math.abs(Number(at) - Date.now()) < 60_000, 'milliseconds since 1970')
    for (const client of [one, two, three]) client.leave()
    server.http.emit('go')
    await until(() => last()?.released === 1, 'the end of them')
  },
)
