import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { Test } from 'tap'

const run = promisify(execFile)

/**
 * Makes sure that rclone is there: where it is not, root gets it from Debian. Nobody else can, and outside of
 * CI the test is skipped for them, with the reason.
 *
 * @returns whether it is there
 * @throws where it ought to be there
 */
export async function haveRclone(t: Test): Promise<boolean> {
  if (await isInstalled()) return true
  if (process.getuid?.() !== 0) {
    const reason = 'rclone is not installed: apt-get install rclone'
    if (process.env.CI) throw new Error(reason)
    t.plan(0, reason)
    return false
  }
  await aptGet(t, 'update')
  await aptGet(t, 'install', '-y', '--no-install-recommends', 'rclone')
  if (await isInstalled()) return true
  throw new Error('apt-get has installed rclone, and yet it is not there')
}

/** Runs rclone with a remote `s3:` at `endpoint`. @throws where it fails, with all it has said */
export async function rclone(endpoint: string, ...args: string[]): Promise<string> {
  const env = {
    // Nothing else: rclone would read AWS's own variables and the user's configuration.
    PATH: process.env.PATH,
    HOME: '/nonexistent',
    RCLONE_CONFIG: '/dev/null',
    RCLONE_CONFIG_S3_TYPE: 's3',
    RCLONE_CONFIG_S3_PROVIDER: 'Other',
    RCLONE_CONFIG_S3_ENDPOINT: endpoint,
    RCLONE_CONFIG_S3_ACCESS_KEY_ID: 'any',
    RCLONE_CONFIG_S3_SECRET_ACCESS_KEY: 'thing',
  }
  const { stdout } = await run('rclone', args, { env })
  return stdout
}

async function isInstalled(): Promise<boolean> {
  return run('rclone', ['version']).then(
    () => true,
    () => false,
  )
}

async function aptGet(t: Test, ...args: string[]): Promise<void> {
  t.comment(`apt-get ${args.join(' ')}`)
  const child = spawn('apt-get', ['-o', 'DPkg::Lock::Timeout=120', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  createInterface(child.stdout).on('line', line => t.comment(line))
  const [code] = await once(child, 'close').catch(cause => {
    throw new Error('rclone is not installed, and apt-get cannot be run', { cause })
  })
  if (code !== 0) throw new Error(`rclone is not installed, and apt-get ${args[0]} has failed with ${code}`)
}
