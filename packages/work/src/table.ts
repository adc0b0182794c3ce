/** Columns under their headings, the first to the left and figures to the right. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...lines.map(line => (line[column] as string).length)))
  return lines
    .map(line =>
      line
        .map((cell, column) => {
          const width = widths[column] as number
          return column === 0 ? cell.padEnd(width) : cell.padStart(width)
        })
        .join('  '),
    )
    .join('\n')
}
