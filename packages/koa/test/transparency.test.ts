import { randomSeed, transparent } from '@plimsoll/contract'
import t from 'tap'
import { frameworks, koa3Http2 } from './fixtures/framework.ts'

const seed = randomSeed(t)
for (const framework of [...frameworks, koa3Http2]) transparent(framework, seed)
