/** @returns the status of an HTTP/1 answer, once its first line is whole */
export function parseStatus(text: string): string | undefined {
  return /^HTTP\/1\.[01] (\d{3})[^\n]*\n/.exec(text)?.[1]
}
