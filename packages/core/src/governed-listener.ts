import { isRefusal } from './errors.ts'
import type { Governor } from './governor.ts'
import { answerRefusal } from './refusal.ts'
import type { HttpRequest, HttpResponse } from './request-head.ts'
import { handlerOver } from './unattended.ts'

/** The handler of a plain server, with an admission before it. */
export function admitFirst<Req extends HttpRequest, Res extends HttpResponse>(
  governor: Pick<Governor, 'admit'>,
  handler: (req: Req, res: Res) => unknown,
): (req: Req, res: Res) => unknown {
  return function (this: unknown, req, res) {
    try {
      const admitted = governor.admit(req, res)
      const result =
        admitted instanceof Promise
          ? admitted.then(() => afterwards(() => handler.call(this as never, req, res)))
          : handler.call(this as never, req, res)
      if (!isThenable(result)) return result
      return result.then(
        () => handlerOver(res),
        error => answerError(res, error),
      )
    } catch (error) {
      return answerError(res, error)
    }
  }
}

/** All that is no refusal is thrown as without us. */
function answerError(res: HttpResponse, error: unknown): void {
  if (!isRefusal(error)) throw error
  answerRefusal(res, error)
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}

/** Out of a promise, so that what `handle` throws is an uncaught exception as without us. */
function afterwards(handle: () => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    process.nextTick(() => {
      try {
        resolve(handle())
      } catch (error) {
        if (!isRefusal(error)) throw error
        reject(error)
      }
    })
  })
}
