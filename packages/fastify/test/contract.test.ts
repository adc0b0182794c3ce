import { contract, randomSeed } from '@plimsoll/contract'
import t from 'tap'
import { fastify5 } from './fixtures/framework.ts'

contract(fastify5)
contract(fastify5, { refuseAtRandom: randomSeed(t) })
