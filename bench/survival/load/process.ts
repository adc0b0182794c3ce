import { playOrders } from '../../play-orders.ts'
import { rowNamed } from '../rows.ts'
import { playRow } from './play-row.ts'
import { probe } from './probe.ts'
import type { Order, Played } from './protocol.ts'

/** Some of the clients, as a process of their own: those who flood must not hold up who measures beside them. */
playOrders<Order, Played>(({ port, row, brief, part }, stop, onProgress) =>
  part === 'prober' ? probe(port, stop) : playRow(port, rowNamed(row, brief), stop, onProgress),
)
