export { type PlimsollOptions, plimsoll, plimsoll as default } from './plugin.ts'
