import type { RoutePolicy } from '@plimsoll/core'
import { FRAME_BYTES } from '../../../examples/object-store/src/frame-layout.ts'

type Cost = NonNullable<RoutePolicy['cost']>

/** What the object store's routes cost: the same as in the example's app.ts, where the reasons stand. */
export const uploadCost: Cost = ({ declaredBytes = 0 }) =>
  declaredBytes + Math.min(declaredBytes, FRAME_BYTES)
export const downloadCost: Cost = 2 * FRAME_BYTES
