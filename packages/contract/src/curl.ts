import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What curl tells of one transfer. */
export interface Transfer {
  readonly status: number
  /** Bytes of the body that were sent. */
  readonly sent: number
  /** New connections that it took. */
  readonly connects: number
}

/**
 * Puts `file` to each of `urls` with curl, over one connection where the server lets it. curl asks first, with
 * `Expect: 100-continue`, and waits half a minute to be told: it sends what it was told to send, and no more.
 *
 * @throws where curl fails, or is not there and can't be installed
 */
export async function curlUpload(
  file: string,
  urls: readonly string[],
  ...args: string[]
): Promise<Transfer[]> {
  await haveCurl()
  const asks = ['--header', 'Expect: 100-continue', '--expect100-timeout', '30']
  const outputs = urls.flatMap(() => ['--output', '/dev/null'])
  const uploads = urls.flatMap(() => ['--upload-file', file])
  const { stdout } = await run('curl', [
    '--disable',
    '--silent',
    '--show-error',
    '--max-time',
    '60',
    ...asks,
    ...outputs,
    ...uploads,
    ...args,
    '--write-out',
    '%{http_code} %{size_upload} %{num_connects}\n',
    ...urls,
  ])
  return stdout
    .trim()
    .split('\n')
    .map(line => {
      const [status, sent, connects] = line.split(' ').map(Number) as [number, number, number]
      return { status, sent, connects }
    })
}

/** Root gets it from Debian where it is missing; for others the test fails, and says why. */
async function haveCurl(): Promise<void> {
  if (await isThere()) return
  if (process.getuid?.() !== 0) throw new Error('curl is not installed: apt-get install curl')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await run('apt-get', ['update'], { env })
  await run('apt-get', ['install', '--yes', '--no-install-recommends', 'curl'], { env })
  if (!(await isThere())) throw new Error('apt-get has installed curl, and yet it is not there')
}

async function isThere(): Promise<boolean> {
  return run('curl', ['--version']).then(
    () => true,
    () => false,
  )
}
