/** Of one request: it is compressed, which takes two threads of this machine some 30 ms, so that few clients are a crowd. */
export const BODY_BYTES = 2 * 2 ** 20
export const PATH = '/compress'
/** Who has no answer after so long leaves. */
export const PATIENCE_MS = 5_000
/** How long a request waits at most, where somebody can be told: what it gets after that nobody wants. */
export const QUEUE_TIMEOUT_MS = 3_000
/** Bytes, of those who count bytes. */
export const BUDGET = '64MiB'
