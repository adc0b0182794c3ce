import { contract, randomSeed } from '@plimsoll/contract'
import t from 'tap'
import { frameworks, koa3Http2 } from './fixtures/framework.ts'

const refuseAtRandom = randomSeed(t)

for (const framework of [...frameworks, koa3Http2]) {
  contract(framework)
  contract(framework, { refuseAtRandom })
}
