import type { Tracer } from '@opentelemetry/api'

const noise = Buffer.alloc(64 * 1024, 'select a.b, c.d from a join c using (id) where a.e = $1; ')
let made = 0

/** Seven of ten like those of a request, two with a statement of 1 to 8 KiB, one with 16 to 64 KiB. */
export function endMixedSpan(tracer: Tracer): void {
  const n = made++
  const bytes = n % 10 === 9 ? 16_384 + ((n * 7919) % 49_152) : n % 5 === 3 ? 1024 + ((n * 7919) % 7168) : 100
  const span = tracer.startSpan('POST /things/:id', {
    attributes: {
      'http.request.method': 'POST',
      'url.path': `/things/${n}`,
      'user_agent.original': own(80),
      'server.port': 3000,
      'http.route': '/things/:id',
    },
  })
  // A string of its own, as it comes from a driver: a shared one would take no memory.
  span.setAttribute('db.query.text', own(bytes))
  span.setAttribute('http.response.status_code', 200)
  span.end()
}

function own(bytes: number): string {
  return noise.toString('latin1', 0, bytes)
}
