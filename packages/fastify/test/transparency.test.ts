import { randomSeed, transparent } from '@plimsoll/contract'
import t from 'tap'
import { fastify5, fastify5Http2 } from './fixtures/framework.ts'

const seed = randomSeed(t)
for (const framework of [fastify5, fastify5Http2]) transparent(framework, seed)
