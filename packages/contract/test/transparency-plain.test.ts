import t from 'tap'
import { plain, plainHttp2, plainHttps, randomSeed, transparent } from '../src/index.ts'

const seed = randomSeed(t)
for (const framework of [plain, plainHttps, plainHttp2]) transparent(framework, seed)
