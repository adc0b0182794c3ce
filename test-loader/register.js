import { register } from 'node:module'

register('./strip-types.js', import.meta.url)

// tap has no other way to leave its own loader out than to write into node_modules, which pnpm shares with
// other checkouts. TAP_TYPE_STRIP_ONLY in .taprc stops it here, but tap takes that back for child processes.
process.execArgv = [
  ...process.execArgv.filter(arg => !/@tapjs\/typescript|test-loader/.test(arg)),
  `--import=${import.meta.url}`,
]
