import type { Matrix } from './matrix.ts'
import { notes } from './notes.ts'
import type { Row } from './rows.ts'
import { closingLines, detailRows, type Rows } from './survival-table.ts'

/** All on one page that needs nothing else: no script, no font, no other file. */
export function renderPage(matrix: Matrix, rows: readonly Row[], svg: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Who survives what, in a container of 512 MiB</title>
<style>
body { margin: 0 auto; max-width: 1280px; padding: 1rem; background: #fff; color: #1f2328;
  font: 14px/1.5 system-ui, -apple-system, "DejaVu Sans", Helvetica, Arial, sans-serif }
svg { max-width: 100%; height: auto }
table { border-collapse: collapse; font-size: 12px; font-variant-numeric: tabular-nums }
th, td { padding: 2px 7px; text-align: right; border-bottom: 1px solid #eaeef2 }
td { white-space: nowrap }
th { position: sticky; top: 0; background: #fff; border-bottom-color: #afb8c1; vertical-align: bottom }
:is(th, td):nth-child(-n + 3) { text-align: left }
tr.first td { border-top: 2px solid #afb8c1 }
td.dead { background: #a5310c; color: #fff }
p { max-width: 75ch }
</style>
${svg}
<h2>How it was measured</h2>
${notes.map(text => `<p>${escaped(text)}</p>`).join('\n')}
<h2>All figures</h2>
${table(detailRows(matrix, rows))}
${closingLines(matrix)
  .map(line => `<p>${escaped(line)}</p>`)
  .join('\n')}
</html>
`
}

function table([head = [], ...body]: Rows): string {
  let last = ''
  const lines = body.map(row => {
    const isFirst = row[0] !== last
    last = row[0] ?? ''
    const cells = row.map((cell, at) => {
      const dead = at === 2 && !cell.startsWith('survived') ? ' class="dead"' : ''
      return `<td${dead}>${at === 0 && !isFirst ? '' : escaped(cell)}</td>`
    })
    return `<tr${isFirst ? ' class="first"' : ''}>${cells.join('')}</tr>`
  })
  return `<table>\n<thead><tr>${head.map(cell => `<th>${escaped(cell)}</th>`).join('')}</tr></thead>\n<tbody>\n${lines.join('\n')}\n</tbody>\n</table>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
