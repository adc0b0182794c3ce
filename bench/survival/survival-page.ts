import type { Matrix } from './matrix.ts'
import type { Row } from './rows.ts'
import { closingLines, detailRows, matrixRows, type Rows } from './survival-table.ts'

const NOTES = [
  'Each cell is a fresh server on Fastify 5 in a memory cgroup of 512 MiB of its own, its clients and whatever it asks outside of it. Survived means that it lived to the end, within its limit, sockets counted.',
  'Useful work is what was answered whole, by the time until all was, or 12 s had passed; over that of the same server, with nothing in front, in 12 GiB. Who reads a 503 or 429 with Retry-After comes again after a second, since else whoever refuses most were done first. A clean refusal is such a one, or a 413, 408, 411 or 415. Small ones are uploads of 4 KiB beside the load, 20 a second, each on its own connection; they retry nothing.',
  'In front stand: under-pressure and overload-protection as their READMEs have them, with limits of 384 MiB resident and 200 MiB of heap; p-limit with 8 at once, from before the body is read until the response is over; async-mutex with a weight of the Content-Length out of 64 MiB, likewise; HAProxy with a maxconn, and limits by address, that somebody chose who knew the row; Plimsoll with a budget of 64 MiB and what its routes cost; and Plimsoll registered, and told nothing.',
]

/** All on one page that needs nothing else: no script, no font, no other file. */
export function renderPage(matrix: Matrix, rows: readonly Row[], svg: string): string {
  const [note = ''] = closingLines(matrix)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Who survives what, in a container of 512 MiB</title>
<style>
body { margin: 0 auto; max-width: 1240px; padding: 1rem; background: #fff; color: #1f2328;
  font: 14px/1.5 system-ui, -apple-system, "DejaVu Sans", Helvetica, Arial, sans-serif }
svg { max-width: 100%; height: auto }
table { border-collapse: collapse; font-size: 12px; font-variant-numeric: tabular-nums }
th, td { padding: 2px 7px; text-align: right; border-bottom: 1px solid #eaeef2 }
th { position: sticky; top: 0; background: #fff; border-bottom-color: #afb8c1; vertical-align: bottom }
:is(th, td):nth-child(-n + 3) { text-align: left }
tr.first td { border-top: 2px solid #afb8c1 }
td.dead { background: #a5310c; color: #fff }
p { max-width: 75ch }
</style>
${svg}
<h2>How it was measured</h2>
${NOTES.map(text => `<p>${escaped(text)}</p>`).join('\n')}
<h2>All figures</h2>
${table(detailRows(matrix, rows))}
${closingLines(matrix)
  .map(line => `<p>${escaped(line)}</p>`)
  .join('\n')}
</html>
`.replace('<h2>How', `${note.startsWith('NOT') ? `<p><strong>${escaped(note)}</strong></p>\n` : ''}<h2>How`)
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

/** The same without the picture. */
export function renderMarkdown(matrix: Matrix, rows: readonly Row[]): string {
  const parts = [
    '# Who survives what, in a container of 512 MiB',
    'Useful work over that of the same server with unlimited memory; ✕ where it did not live, or not within its limit.',
    markdownTable(matrixRows(matrix, rows), 1),
    ...NOTES,
    markdownTable(detailRows(matrix, rows), 3),
    ...closingLines(matrix),
  ]
  return `${parts.join('\n\n')}\n`
}

function markdownTable([head = [], ...body]: Rows, textColumns: number): string {
  const rule = head.map((_, at) => (at < textColumns ? '---' : '---:'))
  return [head, rule, ...body].map(row => `| ${row.join(' | ')} |`).join('\n')
}
