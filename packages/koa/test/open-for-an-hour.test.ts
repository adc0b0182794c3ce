import { openForAnHour } from '@plimsoll/contract'
import { frameworks } from './fixtures/framework.ts'

for (const framework of frameworks) openForAnHour(framework)
