import underPressure from '@fastify/under-pressure'
import plimsoll from '@plimsoll/fastify'
import type { FastifyInstance } from 'fastify'

/** What stands in front of the hello route, as its own documentation says to install it. */
export const contenders: Readonly<Record<string, (app: FastifyInstance) => Promise<unknown> | undefined>> = {
  plain: () => undefined,
  plimsoll: async app => app.register(plimsoll, { budget: '64MiB' }),
  'under-pressure': async app =>
    app.register(underPressure, {
      maxEventLoopDelay: 1_000,
      maxHeapUsedBytes: 2 ** 30,
      maxRssBytes: 2 ** 30,
      maxEventLoopUtilization: 0.98,
    }),
}
