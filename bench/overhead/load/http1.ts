import autocannon from 'autocannon'
import type { Route } from '../routes.ts'

/** One request after another on each connection, for so long. @returns how many were answered, and in what time */
export async function loadHttp1(
  port: number,
  { method, path, type, body }: Route,
  connections: number,
  seconds: number,
): Promise<{ requests: number; seconds: number }> {
  const { errors, non2xx, requests, duration } = await autocannon({
    url: `http://127.0.0.1:${port}${path}`,
    connections,
    duration: seconds,
    method,
    ...(type && { headers: { 'content-type': type } }),
    ...(body && { body }),
  })
  if (errors + non2xx > 0) throw new Error(`${errors} errors, ${non2xx} not 2xx`)
  return { requests: requests.total, seconds: duration }
}
