import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

/** Runs the server as its user would. */
export async function serve(
  t: Test,
  collector: string,
  args: readonly string[] = [],
): Promise<{ child: ChildProcess; url: string }> {
  const module = fileURLToPath(new URL('../src/server.ts', import.meta.url))
  const imports = ['--conditions=plimsoll-source', '--import', import.meta.resolve('tsx')]
  const child = spawn(
    process.execPath,
    [...imports, module, '--port', '0', '--collector', collector, ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      // So that a collector that hangs at the end costs the test a second.
      env: { ...process.env, OTEL_BSP_EXPORT_TIMEOUT: '1000' },
    },
  )
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = await once(createInterface(child.stdout as NodeJS.ReadableStream), 'line')
  return { child, url: `http://127.0.0.1:${JSON.parse(line).listening}` }
}

/** What never comes true ends in the test runner's own timeout. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(5)
}
