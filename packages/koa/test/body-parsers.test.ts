import { parserScenarios } from '@plimsoll/contract'
import { inBoth } from './fixtures/koa-versions.ts'
import { parsingApp } from './fixtures/parsing-app.ts'

inBoth('body parsers work unchanged, and are bounded', async (t, Koa) => {
  parserScenarios(t, (t, options) => parsingApp(t, Koa, options))
})
