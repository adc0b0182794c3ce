/** @returns the status of the first answer that is no interim one, such as 100 */
export function parseFinalStatus(text: string): string | undefined {
  return /(?:^|\r\n\r\n)HTTP\/1\.[01] ([2-5]\d\d)/.exec(text)?.[1]
}
