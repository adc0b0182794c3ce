import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { until } from './fixtures/until.ts'

const MIB = 2 ** 20
const LIMIT = 384 * MIB

/** Makes a real memory cgroup of version 1, or says why that is not possible here. */
function cage(): { folder: string } | { reason: string } {
  const folder = join('/sys/fs/cgroup/memory', `plimsoll-test-${process.pid}`)
  try {
    mkdirSync(folder)
    writeFileSync(join(folder, 'memory.limit_in_bytes'), String(LIMIT))
    return { folder }
  } catch (error) {
    return { reason: `no right to make a cgroup v1: ${(error as Error).message}` }
  }
}

const made = cage()

t.test(
  'in a real cgroup the limit is found, and the budget said once',
  {
    skip: 'reason' in made ? made.reason : false,
  },
  async t => {
    const { folder } = made as { folder: string }
    t.teardown(async () => {
      // The kernel lets go of it only when the last process in it has been reaped.
      await until(() => removed(folder), `the removal of ${folder}`)
    })
    const fixture = fileURLToPath(new URL('./fixtures/say-budget.ts', import.meta.url))
    const child = spawn(
      'sh',
      [
        '-c',
        `echo $$ > ${folder}/cgroup.procs && exec "$@"`,
        'sh',
        process.execPath,
        ...process.execArgv,
        fixture,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const [out, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'exit')])
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

function removed(folder: string): boolean {
  try {
    rmdirSync(folder)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false
    throw error
  }
}
