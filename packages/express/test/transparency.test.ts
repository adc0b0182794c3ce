import { randomSeed, transparent } from '@plimsoll/contract'
import t from 'tap'
import { frameworks } from './fixtures/framework.ts'

const seed = randomSeed(t)
for (const framework of frameworks) transparent(framework, seed)
