import { contract, randomSeed } from '@plimsoll/contract'
import t from 'tap'
import { frameworks } from './fixtures/framework.ts'

const refuseAtRandom = randomSeed(t)

for (const framework of frameworks) {
  contract(framework)
  contract(framework, { refuseAtRandom })
}
