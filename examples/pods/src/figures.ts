import type { LimitOptions } from '@plimsoll/haproxy'

/** Every number of the deployment, once. Pods, proxies and manifests are made from these. */
export const figures = {
  pods: 4,
  /** Of each pod: request and limit. What `npx plimsoll advise --limit 256MiB` makes of it is the budget. */
  memoryMiB: 256,
  budget: '56MiB',
  /** On average, of uploads above 64 KiB: the body, and a frame of its ciphertext. */
  requestSize: '6MiB',
  /** 16 MiB and a frame. */
  largestRequest: '24MiB',
  /**
   * Of those above 64 KiB at once. A pod's part of the CPU is at work with two: bench/pods had no more throughput with three
   * or nine, and small ones waited twice as long.
   */
  concurrency: 2,
  /** Up to here a body is small. It costs twice that: the body, and its ciphertext. */
  smallRequest: '64KiB',
  /** For small requests, beside the budget: of a quarter of it at most each. */
  lane: '1MiB',
  proxies: 1,
  port: 3000,
  agentPort: 9000,
  queueTimeoutMs: 60_000,
  /** Until all proxies have heard of it: they ask twice a second. */
  drainMs: 2000,
  /** For what is under way then. */
  shutdownMs: 30_000,
} as const

/** What follows of them for HAProxy. */
export const limits: LimitOptions = {
  budget: figures.budget,
  requestSize: figures.requestSize,
  largestRequest: figures.largestRequest,
  smallRequest: figures.smallRequest,
  concurrency: figures.concurrency,
  proxies: figures.proxies,
  queueTimeoutMs: figures.queueTimeoutMs,
}
