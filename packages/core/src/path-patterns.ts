import type { RouteMeasures } from './route-measures.ts'

/** So many names of one level have rows of their own; all further share one. */
const NAMES = 64
/** The same of all levels together: each level has levels below it. */
const ALL_NAMES = 1000
/** Below this a path is one, whatever it is. */
const LEVELS = 8

/**
 * Something that differs from request to request: numbers, ids, tokens (cuid, ULID, nanoid and the like: they would be in
 * the report), names of files, whatever is long or encoded.
 */
const VARIABLE = /^\d+$|[%.@]|^[0-9a-f-]{8,}$|^(?=.*\d)\w{20,}$|.{40}/i
const MIXED = /^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[\w-]{16,}$/

function varies(name: string): boolean {
  return VARIABLE.test(name) || MIXED.test(name)
}

class Level {
  readonly names = new Map<string, Level>()
  others: Level | undefined = undefined
  readonly rows = new Map<string, RouteMeasures>()

  child(name: string): Level | undefined {
    return this.names.get(name) ?? this.others
  }
}

/**
 * Which route a path is of, where no framework tells before the handler runs. What is known of it is bounded,
 * whatever clients ask for: of each level the first names that were found to be something have a row of their own.
 */
export class PathPatterns {
  readonly #root = new Level()
  #names = 0

  /** What was learned for such a path, if anything. */
  find(method: string, path: string): RouteMeasures | undefined {
    let level: Level | undefined = this.#root
    for (const name of namesOf(path)) {
      level = level.child(name)
      if (level === undefined) return undefined
    }
    return level.rows.get(method)
  }

  /**
   * Learns that such a path is something.
   *
   * @param rowOf the row of a route, by its pattern, where this one has none yet
   */
  learn(method: string, path: string, rowOf: (pattern: string) => RouteMeasures): RouteMeasures {
    let level = this.#root
    let pattern = ''
    for (const name of namesOf(path)) {
      let next = level.names.get(name)
      if (next === undefined && this.#hasRoomIn(level) && !varies(name)) {
        next = new Level()
        this.#names++
        level.names.set(ownText(name), next)
      }
      pattern += next === undefined ? '/*' : `/${name}`
      next ??= level.others ??= new Level()
      level = next
    }
    const row = rowOf(pattern === '' ? '/' : pattern)
    level.rows.set(method, row)
    return row
  }

  #hasRoomIn({ names }: Level): boolean {
    return names.size < NAMES && this.#names < ALL_NAMES
  }
}

/** A copy of a part of a text: V8 would keep all of the text for it, here a URL of up to 16 KiB. */
export function ownText(part: string): string {
  return Buffer.from(part).toString()
}

function namesOf(path: string): string[] {
  return path
    .split('/', LEVELS + 1)
    .slice(1)
    .filter(name => name !== '')
}
