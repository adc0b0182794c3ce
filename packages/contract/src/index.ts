export type { Answer, Exchange, Framework, Route, Running, Setup } from './framework.ts'
export { plain } from './plain.ts'
export { running } from './running.ts'
