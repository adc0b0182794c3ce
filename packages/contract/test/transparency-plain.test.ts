import t from 'tap'
import { plain, plainHttps, randomSeed, transparent } from '../src/index.ts'

const seed = randomSeed(t)
for (const framework of [plain, plainHttps]) transparent(framework, seed)
