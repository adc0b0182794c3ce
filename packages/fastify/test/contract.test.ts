import { contract, randomSeed } from '@plimsoll/contract'
import t from 'tap'
import { fastify5, fastify5Http2 } from './fixtures/framework.ts'

const refuseAtRandom = randomSeed(t)

for (const framework of [fastify5, fastify5Http2]) {
  contract(framework)
  contract(framework, { refuseAtRandom })
}
