import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'

for (const args of [[], ['share']]) {
  t.test(`what is only rehearsed keeps no process ${args.join()}`, async t => {
    const fixture = fileURLToPath(new URL('./fixtures/observe-and-end.ts', import.meta.url))
    const child = spawn(process.execPath, [...process.execArgv, fixture, ...args])
    const [out, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'exit')])
    t.ok(Number(out) > 10, 'twins that would wait')
    t.equal(exitCode, 0)
  })
}
