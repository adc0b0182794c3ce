import { openForAnHour, plain } from '../src/index.ts'

openForAnHour(plain)
