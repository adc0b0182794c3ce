import t from 'tap'
import { allNamed, named } from '../named.ts'

const all = [{ name: 'one' }, { name: 'other' }]

t.test('what an option names is found by its name', async t => {
  t.equal(named('--which', 'other', all), all[1])
  t.equal(named('--which', 'b', ['a', 'b']), 'b')
  t.same(allNamed('--which', 'other,one', all), [all[1], all[0]])
  t.equal(allNamed('--which', undefined, all), all)
})

t.test('who names what there is not is told what there is', async t => {
  const message = '--which is one, other, not third'
  t.throws(() => named('--which', 'third', all), { message })
  t.throws(() => allNamed('--which', 'one,third', all), { message })
  t.throws(() => allNamed('--which', '', all), { message: '--which is one, other, not ' })
})
