import { setMaxListeners } from 'node:events'
import { Attack } from './attack.ts'
import type { AttackNews, AttackOrder } from './attack-processes.ts'

/** Some of the attackers, as a process of their own. */
const stop = new AbortController()
setMaxListeners(0, stop.signal)

process.on('message', (order: AttackOrder | 'stop') => {
  if (order === 'stop') stop.abort()
  else void attack(order)
})
// Who started it is gone, and with it whoever wants to know.
process.on('disconnect', () => process.exit())

async function attack({ port, attackers, part }: AttackOrder): Promise<void> {
  const attack = new Attack(port, attackers, stop.signal, part)
  await attack.established()
  tell('established')
  await attack.ended()
  tell(attack.tally, () => process.exit())
}

function tell(news: AttackNews, then = () => {}): void {
  process.send?.(news, then)
}
