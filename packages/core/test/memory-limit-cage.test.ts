import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { type Cage, makeCage } from './fixtures/cage.ts'

const MIB = 2 ** 20
const LIMIT = 384 * MIB

const made = makeCage(LIMIT)

t.test(
  'in a real cgroup the limit is found, and the budget said once',
  {
    skip: 'reason' in made ? made.reason : false,
  },
  async t => {
    const cage = made as Cage
    t.teardown(() => cage.remove())
    const child = cage.spawn('./say-budget.ts')
    const [out, [exitCode]] = await Promise.all([
      text(child.stdout as NodeJS.ReadableStream),
      once(child, 'exit'),
    ])
    t.equal(exitCode, 0)
    const { limit, capacity, lines } = JSON.parse(out)
    t.same(limit, { bytes: LIMIT, source: 'cgroup v1' })
    t.ok(capacity >= LIMIT / 16 && capacity <= (LIMIT - 64 * MIB) / 2, `${capacity}`)
    t.match(lines, [
      {
        level: 'info',
        details: { budget: capacity, limit: LIMIT, source: 'cgroup v1', rss: Number },
        message: /^plimsoll chose a budget of \d+ MiB: .* 384 MiB \(cgroup v1\)/,
      },
    ])
    t.equal(lines.length, 1)
  },
)
