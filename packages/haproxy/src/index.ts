/**
 * HAProxy that knows the bytes: its configuration from a budget, and an agent-check that answers from the live one.
 *
 * @module @plimsoll/haproxy
 */

export { agentCheck } from './agent-check.ts'
export type { AgentOptions } from './agent-options.ts'
export type { AgentSource } from './agent-state.ts'
export type { ConfigOptions, ServerAddress } from './config-options.ts'
export { type FrontProxyValues, frontProxyValues } from './front-proxy-values.ts'
export { type LimitOptions, type Limits, limitsOf } from './limits.ts'
export { type Behind, maxconn } from './maxconn.ts'
export { renderConfig } from './render-config.ts'
