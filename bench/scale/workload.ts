/**
 * Of one request. Small enough that who sends 500 a second, beside the server on the same cores, is not what is measured; and
 * a key of its own takes a thread of this machine some 160 ms, so that so many are twenty times too many.
 */
export const BODY_BYTES = 512 * 2 ** 10
export const KEY_ITERATIONS = 200_000
export const PATH = '/encrypt'
/** Who has no answer after so long leaves. */
export const PATIENCE_MS = 5_000
/** How long a request waits at most, where somebody can be told: what it gets after that nobody wants. */
export const QUEUE_TIMEOUT_MS = 2_000
/** Bytes, of those who count bytes. */
export const BUDGET = '24MiB'
