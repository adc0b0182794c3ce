import { readdirSync } from 'node:fs'

/** Which sources a test covers: those of its own workspace. Child processes load others in other forms. */
export default test => {
  const workspace = test.replace(/\/test\/.*$/, '')
  // Measurements have no duty to be covered.
  if (workspace === 'bench') return null
  return readdirSync(`${workspace}/src`).map(file => `${workspace}/src/${file}`)
}
