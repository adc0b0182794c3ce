const MiB = 2 ** 20
const KiB = 2 ** 10

/** What is the same in all cells. Times are in seconds. */
export const world = {
  /** A pod reads and writes so much. */
  bytesPerSecond: 16 * MiB,
  /** A client's link, so that a pod is used to the full by 16 of them. */
  linkBytesPerSecond: MiB,
  /** What a container can spare for bodies. */
  roomBytes: 96 * MiB,
  /** Half of it: the other half is for those who wait, as with a budget of `'auto'`. */
  budgetBytes: 48 * MiB,
  /** Beside such a budget, by core's default. */
  laneBytes: 256 * KiB,
  /** How many may wait in a pod, by the default for a container: one for each 256 KiB of the budget. */
  queueLimit: 192,
  /** What one takes who waits in it; measured, most of it the kernel's. */
  waiterBytes: 200 * KiB,
  /** How long somebody waits in a place, the proxy or the pod. */
  patience: 10,
  /** From a kill until it takes requests again. Proxies see both at once. */
  restart: 5,
  /** Bodies up to so much are small. */
  smallBytes: 64 * KiB,
}
