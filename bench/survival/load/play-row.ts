import { abortAfter } from '../../abort-after.ts'
import { beginAttack } from '../../fairness/load/begin-attack.ts'
import { emptyTally } from '../../flood/load/outcome.ts'
import { type Row, stopAfterMs } from '../rows.ts'
import { prepare } from './prepare.ts'
import type { Played } from './protocol.ts'
import { sendAll } from './send-all.ts'

/**
 * One row: attackers first, then the honest, and what goes on beside them until they are done. It tells of progress only
 * once the honest have begun.
 */
export async function playRow(
  port: number,
  row: Row,
  stop: AbortSignal,
  onProgress: (answered: number) => void,
): Promise<Played> {
  await prepare(port, row)
  const others = abortAfter(stop)
  const attack = row.attackers && beginAttack(port, row.attackers, others.signal)
  await attack?.established()

  const ends = abortAfter(stop, stopAfterMs(row))
  const tally = emptyTally(0)
  const progress = setInterval(() => onProgress(tally.answered), 100)
  const startedMs = performance.now()
  const beside = row.sends.filter(({ beside }) => beside)
  const besides = Promise.all(beside.map(sends => sendAll(port, sends, emptyTally(0), others.signal)))
  const counted = row.sends.filter(({ beside }) => !beside)
  await Promise.all(counted.map(sends => sendAll(port, sends, tally, ends.signal)))
  const elapsedMs = performance.now() - startedMs
  ends.abort()
  others.abort()
  await besides
  await attack?.ended()
  clearInterval(progress)
  return { tally, elapsedMs, ...(attack && { attack: attack.tally }) }
}
