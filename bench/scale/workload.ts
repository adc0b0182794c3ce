/** Of one request. A key of its own takes a core some 40 ms, so that 500 a second are twenty times too many. */
export const BODY_BYTES = 512 * 2 ** 10
export const KEY_ITERATIONS = 200_000
export const PATH = '/encrypt'
/** Who has no answer after so long leaves. */
export const PATIENCE_MS = 5_000
/** In memory at once: the chunks it came in, the body, and what that is encrypted to. */
export const COST_OF_BYTE = 3
/** How long a request waits at most, where somebody can be told: what it gets after that nobody wants. */
export const QUEUE_TIMEOUT_MS = 2_000
/** Of those who count bytes: as many at once as HAProxy by hand lets in, what this server can do in less than its clients' patience. */
export const BUDGET = '24MiB'
