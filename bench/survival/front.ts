import { type Config, HaproxyProcess } from '../pods/haproxy-process.ts'
import type { ByHand } from './rows.ts'

/** Up to here a body is small: such requests have a backend of their own, and don't wait behind large ones. */
const SMALL_BYTES = 64 * 2 ** 10
/** Of these, at once. */
const SMALL_MAXCONN = 64
const MOST_CONNECTIONS = 8_000

/** A real HAProxy in front of a server, outside of its cage. */
export function haproxyInFront(port: number, byHand: ByHand): Promise<HaproxyProcess> {
  return HaproxyProcess.start(configByHand(port, byHand))
}

/** What somebody writes who knows the load that is to come, and HAProxy well. */
export function configByHand(port: number, { maxconn, perAddress }: ByHand): Config {
  const byAddress = `
    stick-table type ip size 10k expire 1m store conn_cur
    http-request track-sc0 src
    http-request deny deny_status 429 hdr Retry-After 1 if { sc_conn_cur(0) gt ${perAddress} }`
  return ({ bind, statsSocket }) => `global
    stats socket ${statsSocket} mode 600 level admin
    maxconn ${MOST_CONNECTIONS}

defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 30s
    timeout queue 30s
    timeout http-request 5s
    http-error status 503 content-type text/plain string "Come back later" hdr Retry-After 1

frontend clients
    bind ${bind} backlog 10000
    maxconn ${MOST_CONNECTIONS}${perAddress === undefined ? '' : byAddress}
    use_backend small if { req.fhdr(content-length) -m found } { req.hdr_val(content-length) le ${SMALL_BYTES} }
    default_backend large

backend large
    server one 127.0.0.1:${port} maxconn ${maxconn}

backend small
    server one 127.0.0.1:${port} maxconn ${SMALL_MAXCONN}
`
}
