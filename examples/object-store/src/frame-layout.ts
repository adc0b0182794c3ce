/** Plaintext in every frame but the last, which holds the rest. */
export const FRAME_BYTES = 8 * 1024 * 1024

export const TAG_BYTES = 16

export interface SealedFrame {
  readonly ciphertext: Buffer
  readonly tag: Buffer
}

/** An empty object still has one (empty) frame, so that its emptiness is authenticated too. */
export function frameCount(objectBytes: number): number {
  return Math.max(1, Math.ceil(objectBytes / FRAME_BYTES))
}

export function frameBytes(objectBytes: number, index: number): number {
  return Math.min(FRAME_BYTES, objectBytes - index * FRAME_BYTES)
}
