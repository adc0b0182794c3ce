/**
 * Reads the kernel's "flat keyed" files (memory.stat, memory.events, memory.oom_control): one
 * `key value` a line. New keys may appear anywhere, so nothing is read by its position.
 */
export function parseFlatKeyed(text: string): Map<string, number> {
  const values = new Map<string, number>()
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ')
    if (space > 0) values.set(line.slice(0, space), Number(line.slice(space + 1)))
  }
  return values
}
