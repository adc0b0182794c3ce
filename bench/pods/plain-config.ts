import type { Config } from './haproxy-process.ts'

/** What the field does: so many requests to each pod, the others wait, and whoever comes first goes first. */
export function plainConfig(ports: readonly number[], maxconn: number): Config {
  return ({ bind, statsSocket }) => `global
    stats socket ${statsSocket} mode 600 level admin

defaults
    mode http
    option redispatch
    retries 3
    timeout connect 2s
    timeout client 120s
    timeout server 120s
    timeout queue 120s

frontend clients
    bind ${bind}
    default_backend pods

backend pods
    balance leastconn
    option httpchk GET /healthz
    default-server check inter 1s fall 2 rise 2 maxconn ${maxconn}
${ports.map((port, n) => `    server pod${n + 1} 127.0.0.1:${port}\n`).join('')}`
}
