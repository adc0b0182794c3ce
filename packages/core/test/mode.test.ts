import t from 'tap'
import { checkMode, type ModeOption, modeOf } from '../src/mode.ts'
import { anyValue } from './fixtures/any-value.ts'

t.test('a mode is what it says, or what the function answers each time', async t => {
  t.equal(modeOf(checkMode('enforce')), 'enforce')
  t.equal(modeOf(checkMode('observe')), 'observe')
  const answers = ['observe', 'enforce'] as const
  let asked = 0
  const mode = checkMode(() => answers[asked++ % 2] as 'observe')
  t.same([modeOf(mode), modeOf(mode), modeOf(mode)], ['observe', 'enforce', 'observe'])
})

t.test('what is no mode is refused before the server runs', async t => {
  for (const bad of ['Observe', 'off', '', undefined, null, true, {}])
    t.throws(() => checkMode(anyValue<ModeOption>(bad)), {
      code: 'ERR_PLIMSOLL_OPTION',
      message: /^mode must be/,
    })
})

t.test('a function that fails, or answers no mode, is told as one that cannot tell', async t => {
  const failing: Record<string, () => unknown> = {
    throws: () => {
      throw new TypeError('no flags yet')
    },
    'answers nothing': () => undefined,
    'answers true': () => true,
    'answers another word': () => 'OBSERVE',
    'answers later': async () => 'observe',
  }
  for (const [what, mode] of Object.entries(failing))
    t.throws(() => modeOf(anyValue<ModeOption>(mode)), { code: 'ERR_PLIMSOLL_COST_FUNCTION' }, what)
})
