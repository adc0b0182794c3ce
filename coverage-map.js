import { readdirSync } from 'node:fs'

/** Workspaces that are there to test or measure others: nothing of theirs has a duty to be covered. */
const TESTING = ['bench', 'packages/contract', 'packages/installation']

/** Which sources a test covers: those of its own workspace. Child processes load others in other forms. */
export default test => {
  const workspace = test.replace(/\/test\/.*$/, '')
  if (TESTING.includes(workspace)) return null
  return readdirSync(`${workspace}/src`, { recursive: true })
    .filter(file => file.endsWith('.ts'))
    .map(file => `${workspace}/src/${file}`)
}
