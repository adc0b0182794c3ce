import { optionError } from './errors.ts'
import { consult } from './price.ts'

/** Whether a governor acts, or only tells what it would do. */
export type Mode = 'enforce' | 'observe'

/** A mode, or who is asked for it at each request: a switch that can be thrown while the server runs. */
export type ModeOption = Mode | (() => Mode)

/** @throws `ERR_PLIMSOLL_OPTION` where it is none */
export function checkMode(mode: ModeOption): ModeOption {
  if (mode === 'enforce' || mode === 'observe' || typeof mode === 'function') return mode
  throw optionError('mode', '"enforce", "observe" or a function', mode)
}

/**
 * The mode now.
 *
 * @throws `ERR_PLIMSOLL_COST_FUNCTION` where the function throws or answers anything else
 */
export function modeOf(mode: ModeOption): Mode {
  if (typeof mode !== 'function') return mode
  return consult(() => {
    const answer = mode()
    if (answer !== 'enforce' && answer !== 'observe') throw new TypeError('mode returned no mode')
    return answer
  })
}
