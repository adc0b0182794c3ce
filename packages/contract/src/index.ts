export type { Answer, Exchange, Framework, Route, Running, Setup } from './framework.ts'
export { plain, plainHttp2, plainHttps } from './plain.ts'
export { running } from './running.ts'
