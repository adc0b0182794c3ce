import { contract } from '@plimsoll/contract'
import { hono } from './framework.ts'

contract(hono)
