import { FLOATING_BYTES } from '@plimsoll/core'
import type { Sizing } from './sizing.ts'
import { counted, size } from './wording.ts'

/** What will go wrong. Programs match on `code`. */
export interface Warning {
  readonly code:
    | 'no-container-limit'
    | 'limit-too-small'
    | 'budget-over-limit'
    | 'budget-over-half'
    | 'request-over-budget'
    | 'report-over-budget'
    | 'limits-over-host'
    | 'reservations-over-host'
    | 'asked-over-host'
  readonly text: string
}

/** @param asked bytes of the container's limit that the advice asks for */
export function warningsOf(sizing: Sizing, asked: number): readonly Warning[] {
  return [...ofLimit(sizing), ...ofBudget(sizing), ...ofHost(sizing, asked)]
}

function* ofLimit({ limit, limitBytes, idle, room, carried }: Sizing): Iterable<Warning> {
  if (limit.source === 'machine') {
    yield {
      code: 'no-container-limit',
      text: `There is no container limit: ${size(limit.bytes)} is all of the machine, which others use too. Give --limit.`,
    }
  }
  if (room < carried) {
    yield {
      code: 'limit-too-small',
      text:
        `${size(limitBytes)} for a process is too small to serve anything: ${size(idle.bytes)} idle and ` +
        `${size(FLOATING_BYTES)} that V8 lets float are ${size(idle.bytes + FLOATING_BYTES)} before the first body.`,
    }
  }
}

function* ofBudget(sizing: Sizing): Iterable<Warning> {
  const { budget, budgetFrom, carried, request, room, reported, limitBytes } = sizing
  if (budgetFrom === '--budget' && budget > room) {
    yield {
      code: 'budget-over-limit',
      text:
        `A budget of ${size(budget)} does not fit: a full one is killed. Of ${size(limitBytes)} there is ` +
        `${size(Math.max(0, room))} left for it.`,
    }
  } else if (budgetFrom === '--budget' && budget > carried) {
    yield {
      code: 'budget-over-half',
      text:
        `A budget of ${size(budget)} is more than half of the ${size(room)} that is left: right only where ` +
        `each cost counts all copies of a body, and queue and connections are small.`,
    }
  }
  if (request !== undefined && request.bytes > budget) {
    yield {
      code: 'request-over-budget',
      text: `A request of ${size(request.bytes)} never fits into a budget of ${size(budget)}: it gets 413, or 503 without a body.`,
    }
  }
  if (reported > budget) {
    yield {
      code: 'report-over-budget',
      text: `The report asks for a budget of ${size(reported)}, and this one is ${size(budget)}: more will wait.`,
    }
  }
}

function* ofHost(sizing: Sizing, asked: number): Iterable<Warning> {
  const { host, pods, workers, limit, idle, budget } = sizing
  if (host === undefined) return
  const limits = pods * limit.bytes
  if (limits > host) {
    yield {
      code: 'limits-over-host',
      text:
        `Limits add up to more than the host has: ${counted(pods, 'pod')} of ${size(limit.bytes)} are ` +
        `${size(limits)} of ${size(host)}. The kernel kills there before any of them is at its limit. ` +
        `${size(Math.floor(host / pods), Math.floor)} each would fit, or ${counted(Math.floor(host / limit.bytes), 'pod')}.`,
    }
  }
  const reserved = pods * workers * (idle.bytes + FLOATING_BYTES + budget)
  if (reserved > host) {
    yield {
      code: 'reservations-over-host',
      text:
        `Reservations add up to more than the host has: with all budgets full it is ${size(reserved)} ` +
        `(idle, floating and budget of each process) of ${size(host)}. A flood on all of them at once kills some.`,
    }
  }
  if (asked > limit.bytes && pods * asked > host) {
    yield {
      code: 'asked-over-host',
      text: `The limit asked for does not fit either: ${counted(pods, 'pod')} of ${size(asked)} are ${size(pods * asked)} of ${size(host)}.`,
    }
  }
}
