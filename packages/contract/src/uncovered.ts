/**
 * The environment of a program that a test starts: nothing in it counts as coverage. Its loader translates the sources
 * otherwise than tap's, and the two sets of line numbers would be taken for one.
 */
export const UNCOVERED: Readonly<Record<string, string>> = { _TAPJS_PROCESSINFO_COVERAGE_: '0' }
