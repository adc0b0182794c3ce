import { randomSeed, transparent } from '@plimsoll/contract'
import t from 'tap'
import { fastify5 } from './fixtures/framework.ts'

transparent(fastify5, randomSeed(t))
