import type { RoutePolicy } from '@plimsoll/core'
import { FRAME_BYTES } from '../../../examples/object-store/src/frame-layout.ts'

/** What the object store's routes cost: the same as in the example's app.ts, where the reasons stand. */
export const uploadCost: RoutePolicy['cost'] = ({ declaredBytes = 0 }) =>
  declaredBytes + Math.min(declaredBytes, FRAME_BYTES)
export const downloadCost: RoutePolicy['cost'] = 2 * FRAME_BYTES
