/** 10 Hz. */
export const LOOK_EVERY_MS = 100

/** What the server sees of itself at one moment: bytes, and requests. */
export interface InsideSample {
  /** Of the system's clock. */
  readonly at: number
  /** The lane's too. */
  readonly reserved: number
  readonly paidIn: number
  readonly active: number
  readonly waiting: number
  readonly rss: number
  readonly heapUsed: number
  /** Buffers among them. */
  readonly external: number
}

/** What the kernel has counted for its container at the same moment. */
export interface OutsideSample {
  readonly at: number
  readonly anonBytes: number
  readonly kernelBytes: number
  readonly socketBytes: number
}

/** Both at one moment, over what they were when idle: what is told is what the load has added. */
export interface Sample {
  readonly seconds: number
  readonly reserved: number
  readonly paidIn: number
  readonly waiting: number
  /** All that the container cannot give back. */
  readonly real: number
  readonly sockets: number
  readonly kernel: number
  /** What V8 and Buffers hold, garbage that is not collected yet among it. */
  readonly held: number
  /** Freed by those, and kept by them or by malloc. */
  readonly kept: number
}

/** Each look inside with the look outside that is nearest to it. */
export function together(
  inside: readonly InsideSample[],
  outside: readonly OutsideSample[],
  idle: { readonly inside: InsideSample; readonly outside: OutsideSample },
): Sample[] {
  const first = inside[0]?.at ?? 0
  let at = 0
  return inside.map(one => {
    while (distance(outside[at + 1], one) <= distance(outside[at], one)) at++
    const beside = outside[at] ?? idle.outside
    const anon = beside.anonBytes - idle.outside.anonBytes
    const sockets = beside.socketBytes - idle.outside.socketBytes
    const kernel = beside.kernelBytes - idle.outside.kernelBytes
    const held = one.heapUsed + one.external - idle.inside.heapUsed - idle.inside.external
    return {
      seconds: (one.at - first) / 1_000,
      reserved: one.reserved,
      paidIn: one.paidIn,
      waiting: one.waiting,
      real: anon + sockets + kernel,
      sockets,
      kernel,
      held,
      kept: anon - held,
    }
  })
}

function distance(one: { readonly at: number } | undefined, other: { readonly at: number }): number {
  return one === undefined ? Number.POSITIVE_INFINITY : Math.abs(one.at - other.at)
}
