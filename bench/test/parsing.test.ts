import t from 'tap'
import { parseFlatKeyed } from '../cage/flat-keyed.ts'
import { parseResidentBytes } from '../cage/supervisor.ts'
import { parsePeak } from '../flood/live-frames.ts'
import { Content } from '../flood/load/content.ts'

t.test('a flat keyed file is read by its keys', async t => {
  t.strictSame(
    [...parseFlatKeyed('a 1\nb_c 22\n')],
    [
      ['a', 1],
      ['b_c', 22],
    ],
  )
})

t.test('the resident set of a process, and of a zombie', async t => {
  t.equal(parseResidentBytes('Name:\tnode\nVmHWM:\t  900 kB\nVmRSS:\t  200 kB\n'), 204_800)
  t.equal(parseResidentBytes('Name:\tnode\nState:\tZ (zombie)\n'), undefined)
})

t.test('the peak of live frames, among other metrics', async t => {
  const metrics =
    '# HELP object_store_live_frames_peak x\nobject_store_live_frames 3\nobject_store_live_frames_peak 12\n'
  t.equal(parsePeak(metrics), 12)
  t.equal(parsePeak('object_store_live_frames_peak{store="a"} 7\n'), 7)
  t.equal(parsePeak(''), undefined)
})

t.test('an object’s content matches itself in any pieces, and no other', async t => {
  const MiB = 2 ** 20
  const content = new Content(3, 32 * MiB)
  const whole = Buffer.concat([...content.slices()])
  t.equal(whole.length, 32 * MiB)
  for (const [from, to] of [
    [0, 70_000],
    [16 * MiB - 5, 16 * MiB + 5],
    [13 * MiB, 32 * MiB],
  ] as const) {
    t.ok(content.matches(whole.subarray(from, to), from))
    t.notOk(content.matches(whole.subarray(from, to), from + 1))
  }
  t.notOk(new Content(2, 32 * MiB).matches(whole.subarray(0, 100), 0))
})
