/**
 * Bounded work inside a request.
 *
 * @module @plimsoll/work
 */

export {}
