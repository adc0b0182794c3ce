import { parserScenarios } from '@plimsoll/contract'
import { inBoth } from './fixtures/express-versions.ts'
import { parsingApp } from './fixtures/parsing-app.ts'

inBoth('body parsers work unchanged, and are bounded', async (t, express) => {
  parserScenarios(t, (t, options) => parsingApp(t, express, options))
})
