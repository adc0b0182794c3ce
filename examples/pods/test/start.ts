import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

const FOLDER = fileURLToPath(new URL('../src/', import.meta.url))

/** Runs a file of the example as this test is run, so that it counts as coverage. */
export function start(
  t: Test,
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): ChildProcess {
  const child = spawn(process.execPath, [...process.execArgv, `${FOLDER}${file}`, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

/** The line that tells where it listens. */
export async function listening(child: ChildProcess): Promise<{ listening: number; agent?: number }> {
  const [line] = await once(createInterface(child.stdout as NonNullable<ChildProcess['stdout']>), 'line')
  return JSON.parse(line)
}
