import type { RouteWork } from './report.ts'
import type { RequestWork } from './request-work.ts'

/** What the requests of one route did besides. Made with the first that did any of it. */
export class WorkMeasures {
  #repeated = 0
  #tasks = 0
  #readBytes = 0
  #declaredBytes = 0
  #outlived = 0
  #outlivedMs = 0

  add({ repeated, tasks, readBytes, declaredBytes, outlived, outlivedMs }: RequestWork): void {
    this.#repeated += repeated
    this.#tasks += tasks
    this.#readBytes += readBytes
    this.#declaredBytes += declaredBytes
    this.#outlived += outlived
    this.#outlivedMs += outlivedMs
  }

  /** @param requests how many the route had in all */
  report(requests: number): RouteWork {
    return {
      runs: requests + this.#repeated,
      tasks: this.#tasks,
      readBytes: this.#readBytes,
      declaredBytes: this.#declaredBytes,
      outlived: this.#outlived,
      outlivedMs: this.#outlivedMs,
    }
  }
}
