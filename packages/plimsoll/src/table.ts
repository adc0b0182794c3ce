/** How wide all that is printed may be, where it can. */
export const WIDTH = 100

const GAP = '  '

/** A narrower first column says nothing any more: then the table is wider. */
const LEAST = 16

/**
 * Columns under their headings, the first to the left and figures to the right. The first is cut where all would be
 * wider than {@link WIDTH}.
 */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map(row => (row[column] as string).length)),
  )
  const [first = 0, ...others] = widths
  const left = WIDTH - others.reduce((sum, width) => sum + width + GAP.length, 0)
  widths[0] = Math.min(first, Math.max(left, LEAST))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const width = widths[column] as number
        return column === 0 ? cut(cell, width).padEnd(width) : cell.padStart(width)
      })
      .join(GAP)
      .trimEnd()
  return [headings, ...rows].map(line).join('\n')
}

/** The start and the end, since routes of one prefix differ behind it. */
function cut(text: string, width: number): string {
  if (text.length <= width) return text
  const end = Math.floor((width - 1) / 2)
  return `${text.slice(0, width - 1 - end)}…${text.slice(-end)}`
}

/** Lines of a text that fit into {@link WIDTH}, all with an indent. */
export function wrapped(text: string, indent = ''): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line].map(text => indent + text).join('\n')
}
