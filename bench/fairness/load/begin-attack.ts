import type { Attackers } from '../scenarios.ts'
import { Attack } from './attack.ts'
import { AttackProcesses, SOCKETS_A_PROCESS } from './attack-processes.ts'

/** In this process, or in as many as it takes. */
export function beginAttack(port: number, attackers: Attackers, stop: AbortSignal): Attack | AttackProcesses {
  if (attackers.sockets > SOCKETS_A_PROCESS) return new AttackProcesses(port, attackers, stop)
  return new Attack(port, attackers, stop)
}
