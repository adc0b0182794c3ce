import { openForAnHour } from '@plimsoll/contract'
import { fastify5 } from './fixtures/framework.ts'

openForAnHour(fastify5)
