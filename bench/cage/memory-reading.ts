/** What a container cannot give back, so page cache is not in it. */
export interface MemoryReading {
  /** Anonymous memory: the heap, Buffers, stacks. For the supervisor the whole resident set. */
  readonly anonBytes: number
  readonly kernelBytes: number
  readonly socketBytes: number
}

export function totalBytes(reading: MemoryReading): number {
  return reading.anonBytes + reading.kernelBytes + reading.socketBytes
}
