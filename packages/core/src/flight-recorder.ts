import { closeSync, openSync, renameSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { optionError } from './errors.ts'
import { encodeSlot, type FlightSample, readFlight, SLOT_BYTES, SLOTS } from './flight-log.ts'
import type { GovernorStats } from './governor-stats.ts'
import { memoryUse } from './memory-use.ts'
import { checkDuration, checkOptions } from './options.ts'
import type { Logger } from './refusal-log.ts'

/** Where a governor keeps its last minute, for after it was killed. */
export interface RecorderOptions {
  /**
   * The file, of this process alone: of 30 KiB, in a folder that outlives the container. What is there of the run
   * before goes to the same name with `.previous`.
   */
  readonly file: string
  /** How often, in milliseconds. Default 1000, at least 10. The last 60 samples are kept. */
  readonly everyMs?: number
}

const FILE_BYTES = SLOTS * SLOT_BYTES

export interface ResolvedRecorder {
  readonly file: string
  readonly everyMs: number
}

/** @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong */
export function resolveRecorder(recorder: string | RecorderOptions): ResolvedRecorder {
  if (typeof recorder === 'string') return { file: checkFile(recorder, 'recorder'), everyMs: 1000 }
  checkOptions(recorder, ['file', 'everyMs'], 'recorder')
  const { file, everyMs = 1000 } = recorder
  return {
    file: checkFile(file, 'recorder.file'),
    everyMs: checkDuration(everyMs, 'recorder.everyMs', 10),
  }
}

function checkFile(file: unknown, name: string): string {
  if (typeof file !== 'string' || file === '') throw optionError(name, 'the path of a file', file)
  // Whoever changes the working directory later does not move it.
  return resolve(file)
}

/**
 * Writes a sample of a governor's state each second to a ring of slots in one file. A write is in the page cache when
 * it returns, which survives whatever becomes of the process; only a crash of the machine takes it.
 */
export class FlightRecorder {
  readonly #file: string
  readonly #stats: () => GovernorStats
  readonly #logger: Logger
  readonly #descriptor: number
  readonly #timer: NodeJS.Timeout
  #sequence = 0
  #failed = false
  #closed = false

  /**
   * @param stats asked for each sample
   * @throws `ERR_PLIMSOLL_OPTION` where the file can't be made
   */
  constructor({ file, everyMs }: ResolvedRecorder, stats: () => GovernorStats, logger: Logger) {
    this.#file = file
    this.#stats = stats
    this.#logger = logger
    this.#descriptor = makeFile(file)
    // Not before that: who is restarted over and over, and dies at once, would overwrite what it first died of.
    this.#timer = setInterval(() => this.sample(), everyMs).unref()
  }

  /** Writes a sample now. Never throws: what goes wrong is logged, once. */
  sample(): void {
    try {
      const slot = encodeSlot(this.#look(), this.#sequence)
      writeSync(this.#descriptor, slot, 0, SLOT_BYTES, (this.#sequence % SLOTS) * SLOT_BYTES)
      this.#sequence++
    } catch (error) {
      if (this.#failed) return
      this.#failed = true
      this.#logger.warn(
        { file: this.#file, err: error },
        'plimsoll: the flight recorder cannot write its file',
      )
    }
  }

  /** Writes a last sample, and no more. Any number of calls. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#timer)
    this.sample()
    closeSync(this.#descriptor)
  }

  #look(): FlightSample {
    const { capacity, ceiling, reserved, lent, waiting, active, admitted, released, refused } = this.#stats()
    const { rss, heapUsed, external } = process.memoryUsage()
    const { usedBytes, limitBytes } = memoryUse().read()
    return {
      at: Date.now(),
      capacity,
      ceiling,
      reserved,
      lent,
      waiting,
      active,
      admitted,
      released,
      refused: Object.values(refused).reduce((sum, count) => sum + count, 0),
      residentBytes: rss,
      heapUsedBytes: heapUsed,
      externalBytes: external,
      usedBytes,
      limitBytes,
    }
  }
}

function makeFile(file: string): number {
  try {
    keepPrevious(file)
    // Of its whole size, so that a full disk shows now.
    writeFileSync(file, Buffer.alloc(FILE_BYTES))
    return openSync(file, 'r+')
  } catch (error) {
    throw optionError('recorder', `a file that can be written (${(error as Error).message})`, file)
  }
}

/** A run that has left nothing must not take the place of one that has. */
function keepPrevious(file: string): void {
  const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (bytes === 0) return
  // A path that was mistyped is not to cost somebody his data.
  if (bytes !== FILE_BYTES) throw new Error('there is another file by that name')
  if (readFlight(file).length > 0) renameSync(file, `${file}.previous`)
}
