import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { get, put } from './serve.ts'

const SERVER = fileURLToPath(new URL('../src/server.ts', import.meta.url))
const KEY = '0123456789abcdef'.repeat(4)

interface Child {
  readonly process: ChildProcess
  readonly stdout: string[]
  readonly stderr: () => string
}

function start(t: Test, args: string[], env: NodeJS.ProcessEnv = {}): Child {
  // As this test itself is run. Another loader's source map would blur the coverage of all that both load.
  const child = spawn(process.execPath, [...process.execArgv, SERVER, ...args], {
    env: { ...process.env, ...env },
  })
  t.teardown(() => child.kill('SIGKILL'))
  const stdout: string[] = []
  let stderr = ''
  createInterface(child.stdout).on('line', line => stdout.push(line))
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  return { process: child, stdout, stderr: () => stderr }
}

async function listening({ process: child, stdout, stderr }: Child): Promise<string> {
  while (stdout.length === 0) {
    if (child.exitCode !== null) throw new Error(stderr())
    await Promise.race([once(child.stdout as NonNullable<typeof child.stdout>, 'data'), once(child, 'exit')])
    await new Promise(setImmediate)
  }
  return `http://127.0.0.1:${JSON.parse(stdout[0] as string).listening}`
}

async function stop(child: Child, signal: NodeJS.Signals): Promise<number> {
  child.process.kill(signal)
  const [code] = await once(child.process, 'close')
  return code
}

t.test(
  'objects survive a restart under one key, and standard output is the one line that tells the port',
  async t => {
    const args = ['--port', '0', '--dir', t.testdir(), '--budget', '64MiB']
    const first = start(t, args, { OBJECT_STORE_KEY: KEY })
    await put(await listening(first), 'a', Buffer.from('kept'))
    t.equal(await stop(first, 'SIGTERM'), 0)
    t.equal(first.stdout.length, 1)
    t.equal(first.stderr(), '')

    const second = start(t, args, { OBJECT_STORE_KEY: KEY })
    const url = await listening(second)
    t.equal((await get(url, 'a')).toString(), 'kept')
    t.match(await (await fetch(`${url}/metrics`)).text(), /^plimsoll_capacity 67108864$/m)
    t.equal(await stop(second, 'SIGINT'), 0)
  },
)

t.test('without a key it runs, and warns that objects will not be readable again', async t => {
  const child = start(t, ['--port', '0', '--storage', 'memory', '--ungoverned'], {
    OBJECT_STORE_KEY: undefined,
  })
  const url = await listening(child)
  await put(url, 'a', Buffer.from('passing'))
  t.equal((await get(url, 'a')).toString(), 'passing')
  t.notMatch(await (await fetch(`${url}/metrics`)).text(), /plimsoll/)
  t.equal(await stop(child, 'SIGTERM'), 0)
  t.match(child.stderr(), /OBJECT_STORE_KEY is not set/)
})

t.test('a wrong option or key ends it before it listens', async t => {
  for (const [args, env] of [
    [['--storage', 'tape'], {}],
    [['--port', '0'], { OBJECT_STORE_KEY: 'short' }],
    [['--port', '0', '--storage', 'memory', '--budget', 'lots'], { OBJECT_STORE_KEY: KEY }],
  ] as const) {
    const child = start(t, [...args], env)
    const [code] = await once(child.process, 'close')
    t.equal(code, 1, args.join(' '))
    t.same(child.stdout, [])
  }
})
