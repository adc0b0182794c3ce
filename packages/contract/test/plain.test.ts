import t from 'tap'
import { contract, plain, plainHttp2, plainHttps, randomSeed } from '../src/index.ts'

const refuseAtRandom = randomSeed(t)

for (const framework of [plain, plainHttps, plainHttp2]) {
  contract(framework)
  contract(framework, { refuseAtRandom })
}
