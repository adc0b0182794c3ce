import { createRequire } from 'node:module'

// For each export of the package named as an argument, whether both ways of loading give the same one.
const [name] = process.argv.slice(2)
const imported = await import(name)
const required = createRequire(import.meta.url)(name)
const same = Object.keys(imported).map(key => [key, required[key] === imported[key]])
console.log(JSON.stringify(Object.fromEntries(same)))
