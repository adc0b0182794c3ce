import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { Turn } from '../src/turn.ts'

// A guard against hanging, far beyond what all of it takes.
t.setTimeout(60_000)

const nameFor = (t: Test): string => `turn-of-${t.name}-${process.pid}`

function turnOf(t: Test): Turn {
  const turn = new Turn(nameFor(t))
  t.teardown(() => turn.giveBack())
  return turn
}

/** Another process that takes it. */
function taker(t: Test, how: 'stays' | 'ends'): ChildProcess {
  const fixture = fileURLToPath(new URL('./fixtures/takes-turn.ts', import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, fixture, nameFor(t), how], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

t.test('one has it at a time, and it is free within the call that gives it back', t => {
  const [one, other] = [turnOf(t), turnOf(t)]
  t.equal(one.isOurs, false)
  t.equal(one.take(), true)
  t.equal(other.take(), false)
  t.same([one.isOurs, other.isOurs], [true, false])
  one.giveBack()
  one.giveBack()
  t.equal(one.isOurs, false)
  t.equal(other.take(), true)
  t.equal(one.take(), false)
  t.end()
})

t.test('the kernel takes it back from one that is killed', async t => {
  const turn = turnOf(t)
  const child = taker(t, 'stays')
  await once(child.stdout as NodeJS.ReadableStream, 'data')
  t.equal(turn.take(), false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.equal(turn.take(), true)
})

t.test('a process that has nothing else to do ends with it', async t => {
  const child = taker(t, 'ends')
  await once(child.stdout as NodeJS.ReadableStream, 'data')
  if (child.exitCode === null) await once(child, 'exit')
  t.equal(child.exitCode, 0)
  t.equal(turnOf(t).take(), true)
})

t.test('a stranger who connects to it is let go', async t => {
  t.equal(turnOf(t).take(), true)
  const stranger = connect(`\0${nameFor(t)}`).resume()
  stranger.on('error', () => {})
  await once(stranger, 'close')
})
