/** A client that asks for `/next` on the one connection it has. */
export interface NextClient {
  next(): Promise<NextAnswer>
  leave(): void
}

export interface NextAnswer {
  readonly status: number
  readonly retryAfter: string | undefined
}
