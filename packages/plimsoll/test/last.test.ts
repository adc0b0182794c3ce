import { fork } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UNCOVERED, until } from '@plimsoll/contract'
import { type FlightSample, Governor, readFlight } from '@plimsoll/core'
import t from 'tap'
import { CommandError } from '../src/command-error.ts'
import { flightText } from '../src/flight-text.ts'
import { plimsoll, printed } from './fixtures/plimsoll.ts'

const MIB = 2 ** 20
const FULL = fileURLToPath(new URL('fixtures/full-governor.ts', import.meta.url))

// Processes that start, on a machine that has other work.
t.setTimeout(120_000)

const NOON = Date.UTC(2026, 10, 21, 12)

/** A sample of a governor at rest. */
function sample(second: number, given: Partial<FlightSample> = {}): FlightSample {
  return {
    at: NOON + 1000 * second,
    capacity: 64 * MIB,
    ceiling: 64 * MIB,
    reserved: 0,
    lent: 0,
    waiting: 0,
    active: 0,
    admitted: 0,
    released: 0,
    refused: 0,
    residentBytes: 80 * MIB,
    heapUsedBytes: 12 * MIB,
    externalBytes: 3 * MIB,
    usedBytes: 96 * MIB,
    limitBytes: 512 * MIB,
    ...given,
  }
}

t.test('of a process that was killed it tells what was reserved, waiting and used at the end', async t => {
  const file = join(t.testdir(), 'flight')
  const execArgv = ['--conditions=plimsoll-source', '--import', import.meta.resolve('tsx')]
  const child = fork(FULL, [file], { execArgv, env: { ...process.env, ...UNCOVERED } })
  t.teardown(() => child.kill('SIGKILL'))
  await until(() => existsSync(file) && readFlight(file).at(-1)?.waiting === 3, 'three that wait')
  child.kill('SIGKILL')
  await once(child, 'exit')

  const { code, stdout, stderr } = await plimsoll(['last', file])
  t.strictSame([code, stderr], [0, ''])
  const [first = ''] = stdout.split('\n\n')
  t.match(
    first.replaceAll('\n', ' '),
    /^At .*Z, at the end: reserved 64MiB of 64MiB, 3 requests waiting, 4 active; really used \d/,
  )
  t.match(stdout, /^\d\d:\d\d:\d\d +\d\S+iB +\d+ % .* 64MiB +0B +3 +4( |$)/m)
  t.strictSame(JSON.parse(await printed(t, 'last', file, '--json')), readFlight(file))
})

t.test('after a restart it says where the run before is', async t => {
  const file = join(t.testdir(), 'flight')
  for (let run = 0; run < 2; run++) await new Governor({ budget: '1MiB', recorder: file }).close()
  t.match(await printed(t, 'last', file), `The run before is in ${file}.previous.\n`)
  t.notMatch(await printed(t, 'last', `${file}.previous`), 'The run before')
  copyFileSync(`${file}.previous`, `${file}.previous.previous`)
  t.strictSame(
    JSON.parse(await printed(t, 'last', `${file}.previous`, '--json')),
    readFlight(`${file}.previous`),
  )
})

t.test('a file that is missing, or none of a recorder, is told of', async t => {
  const folder = t.testdir({ other: 'x'.repeat(40_000), empty: '' })
  const fails = (name: string) => printed(t, 'last', join(folder, name)).catch((error: unknown) => error)
  for (const [name, message] of [
    ['none', /none can't be read: no such file/],
    ['', /can't be read: it is a folder/],
    ['other', /other has no samples/],
    ['empty', /empty has no samples/],
  ] as const) {
    const error = await fails(name)
    t.ok(error instanceof CommandError)
    t.match(String(error), message)
  }
})

t.test('there is one line for each second, and of so many seconds as are asked for', async t => {
  const samples = Array.from({ length: 60 }, (_, n) => sample(n / 4, { refused: n }))
  const lines = flightText(samples).match(/^\d\d:\d\d:\d\d .*$/gm) ?? []
  t.equal(lines.length, 15)
  t.match(lines[0], /^12:00:00 .* 0 +0$/, 'what was refused before the first is not known')
  t.match(lines[14], /^12:00:14 .* 4$/, 'what was refused since the line before')
  t.ok(
    flightText(samples)
      .split('\n')
      .every(line => line.length <= 100),
  )
  const file = join(t.testdir(), 'flight')
  const governor = new Governor({ budget: '1MiB', recorder: { file, everyMs: 20 } })
  await until(() => readFlight(file).length === 60, 'a full recorder')
  await governor.close()
  const [all, second] = [
    await printed(t, 'last', file, '--json'),
    await printed(t, 'last', file, '--json', '--seconds', '1'),
  ]
  const end = readFlight(file).at(-1)?.at ?? 0
  t.strictSame(
    JSON.parse(second),
    JSON.parse(all).filter(({ at }: FlightSample) => at > end - 1000),
  )
})

t.test('it tells how near the limit that was', async t => {
  const at = (used: number): string =>
    flightText([sample(0, { usedBytes: used * MIB })])
      .split('\n\n', 1)[0]
      ?.replaceAll('\n', ' ') ?? ''
  t.match(
    at(511),
    'really used 511MiB of 512MiB, 100 %: 1MiB below the limit. That is where the kernel kills.',
  )
  t.match(at(520), ': 0B below the limit. That is where')
  t.match(at(470), '92 %: 42MiB below the limit, which is near enough')
  t.match(
    at(96),
    '19 %: 416MiB below the limit. If it was killed for memory, that grew after the last sample.',
  )
})

t.test(
  'the worst moment, a valve that was shut, and what was lent are told where there were any',
  async t => {
    const worst = sample(3, { usedBytes: 400 * MIB })
    const text = flightText([sample(2), worst, sample(4, { ceiling: 8 * MIB, lent: 5 * MIB })])
    t.match(text, 'Most was used at 12:00:03: 400MiB (78 %).')
    t.match(text, 'The valve was shut: newcomers could fill no more than 8MiB of the budget.')
    t.match(text, 'Of what slow clients had been promised, 5MiB was lent to others.')
    t.notMatch(flightText([worst]), /valve|lent to/)
  },
)
