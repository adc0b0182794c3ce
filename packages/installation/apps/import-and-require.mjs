import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

// For each package named as an argument, whether both ways of loading give the same exports.
const same = {}
for (const name of process.argv.slice(2)) {
  const imported = await import(name)
  const required = require(name)
  same[name] = Object.fromEntries(Object.keys(imported).map(key => [key, required[key] === imported[key]]))
}
console.log(JSON.stringify(same))
