/** Gives back up to so many bytes, within the call; who has none left does nothing. */
export type GiveBack = (bytes: number) => void

/** Those who hold bytes of a budget only for as long as nobody else wants them. */
export class LowerPriority {
  readonly #holders = new Set<GiveBack>()

  /** @returns what takes it out again */
  add(giveBack: GiveBack): () => void {
    this.#holders.add(giveBack)
    return () => void this.#holders.delete(giveBack)
  }

  /**
   * Asks one after the other, until nothing is lacking.
   *
   * @param lacking how many bytes are, asked anew before each
   * @returns whether anybody was asked
   */
  ask(lacking: () => number): boolean {
    let asked = false
    for (const giveBack of this.#holders) {
      const bytes = lacking()
      if (bytes <= 0) break
      giveBack(bytes)
      asked = true
    }
    return asked
  }
}
