import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { Test } from 'tap'

const run = promisify(execFile)

/**
 * Makes sure that a program of Debian's is there, in a package of its own name: where it is not, root installs it. Nobody
 * else can, and outside of CI the test is skipped for them, with the reason.
 *
 * @param version how it is asked for its version
 * @returns whether it is there
 * @throws where it ought to be there
 */
export async function haveProgram(t: Test, program: string, version: string): Promise<boolean> {
  const isInstalled = (): Promise<boolean> =>
    run(program, [version]).then(
      () => true,
      () => false,
    )
  if (await isInstalled()) return true
  if (process.getuid?.() !== 0) {
    const reason = `${program} is not installed: apt-get install ${program}`
    if (process.env.CI) throw new Error(reason)
    t.plan(0, reason)
    return false
  }
  await aptGet(t, program, 'update')
  await aptGet(t, program, 'install', '-y', '--no-install-recommends', program)
  if (await isInstalled()) return true
  throw new Error(`apt-get has installed ${program}, and yet it is not there`)
}

async function aptGet(t: Test, program: string, ...args: string[]): Promise<void> {
  t.comment(`apt-get ${args.join(' ')}`)
  // Two tests may want something at the same time.
  const options = ['-o', 'DPkg::Lock::Timeout=120', '-o', 'APT::Get::Lock::Timeout=120']
  const child = spawn('apt-get', [...options, ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  createInterface(child.stdout).on('line', line => t.comment(line))
  const [code] = await once(child, 'close').catch(cause => {
    throw new Error(`${program} is not installed, and apt-get cannot be run`, { cause })
  })
  if (code !== 0)
    throw new Error(`${program} is not installed, and apt-get ${args[0]} has failed with ${code}`)
}
