import assert from 'node:assert/strict'
import { PlimsollError, type PlimsollErrorCode } from '@plimsoll/core'
import type { Call } from './call.ts'

/** That a client reads whose fault it is, when to come back where that may help, and no limit. */
export async function assertRefused(call: Call, code: PlimsollErrorCode): Promise<void> {
  const { statusCode } = new PlimsollError(code, '')
  assert.equal(await call.answer(), statusCode)
  const { code: told, statusCode: status } = JSON.parse(call.text)
  assert.deepEqual({ told, status }, { told: code, status: statusCode })
  const comesBack = statusCode === 503 && code !== 'ERR_PLIMSOLL_COST_OVER_BUDGET'
  if (comesBack) assert.match(call.headers['retry-after'] ?? '', /^\d+$/)
  else assert.equal(call.headers['retry-after'], undefined)
}
