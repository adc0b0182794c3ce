import { ink } from '../picture.ts'

/** What stands between the clients and the same server, in the order of table and picture. */
export const contenders = {
  nothing: { name: 'nothing', color: ink.ungoverned, symbol: 'triangle' },
  semaphore: { name: 'byte semaphore', color: ink.peer, symbol: 'rect' },
  haproxy: { name: 'HAProxy by hand', color: '#7b3f98', symbol: 'diamond' },
  default: { name: 'Plimsoll, no options', color: ink.governedToo, symbol: 'emptyCircle' },
  fronted: { name: 'Plimsoll and its front proxy', color: ink.governed, symbol: 'emptyRect' },
  plimsoll: { name: 'Plimsoll', color: ink.governed, symbol: 'circle' },
} as const

export type Contender = keyof typeof contenders

export const contenderNames = Object.keys(contenders) as Contender[]

/** Whom it is asked of to live. */
export function isPlimsoll(contender: Contender): boolean {
  return contender === 'plimsoll' || contender === 'default' || contender === 'fronted'
}
