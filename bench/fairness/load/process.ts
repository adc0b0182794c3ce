import { playOrders } from '../../play-orders.ts'
import { scenarioNamed } from '../scenarios.ts'
import { playScenario } from './play-scenario.ts'
import type { LoadReport, Order } from './protocol.ts'

/** All clients of a scenario, as a process of its own. */
playOrders<Order, LoadReport>(({ port, scenario }, stop, onProgress) =>
  playScenario(port, scenarioNamed(scenario), stop, onProgress),
)
