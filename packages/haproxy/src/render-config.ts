import {
  type ConfigOptions,
  type ResolvedConfig,
  type ResolvedServer,
  resolveConfigOptions,
} from './config-options.ts'

/**
 * A configuration of HAProxy, 2.6 or later, from a budget. Each pod gets as many requests at once as its budget holds, and
 * the others wait in HAProxy, where they cost no memory of the pod. Small ones have limits of their own, so they never wait
 * behind large ones.
 *
 * @returns text for a file, valid by `haproxy -c`
 * @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong; what HAProxy would read as more than one word is
 */
export function renderConfig(options: ConfigOptions): string {
  const config = resolveConfigOptions(options)
  const whole = config.form === 'whole'
  const sections = [
    ...(whole ? [global(config)] : []),
    defaults(config),
    ...(config.servers.some(({ named }) => named) ? [RESOLVERS] : []),
    whole ? frontend(config) : commented(frontend(config)),
    backend(config),
    smallBackend(config),
  ]
  return `${sections.map(lines => lines.join('\n')).join('\n\n')}\n`
}

type Section = readonly string[]

/** After the first try. */
const RETRIES = 3

function global({ clients, statsSocket }: ResolvedConfig): Section {
  return [
    'global',
    ...(clients === undefined ? [] : [`    maxconn ${clients}`]),
    '    log stdout format raw local0',
    ...(statsSocket === undefined ? [] : [`    stats socket ${statsSocket} mode 600 level admin`]),
  ]
}

/** Named, so that what stands beside it is not changed by it. */
function defaults({ limits }: ResolvedConfig): Section {
  return [
    'defaults plimsoll',
    '    mode http',
    '    log global',
    '    option httplog',
    '    option dontlog-normal',
    '    option forwardfor',
    '    # Who left while waiting here is not sent to a pod, where that can be seen: behind a body nobody reads it can not.',
    '    option abortonclose',
    '    # A connection that was never made may be made again, to another pod, whatever the request. What was sent is sent',
    '    # again only if it has no effect: see disable-l7-retry in the backends.',
    `    retries ${RETRIES}`,
    '    option redispatch 1',
    '    retry-on conn-failure empty-response',
    '    # A pod closes a connection after a refusal, and when it is idle: so what comes first on one of a client never goes',
    '    # over one that is old.',
    '    http-reuse safe',
    '    timeout connect 2s',
    '    timeout check 2s',
    '    timeout client 60s',
    '    timeout http-request 10s',
    '    timeout http-keep-alive 10s',
    `    timeout queue ${limits.queueTimeoutMs}ms`,
    '    # Longer than the queue of a pod: the request may wait there, too.',
    `    timeout server ${limits.serverTimeoutMs}ms`,
    '    http-error status 503 content-type application/json string \'{"statusCode":503,"error":"Service Unavailable","message":"No server could take it in time"}\' hdr Retry-After "%[rand(10),add(1)]"',
  ]
}

/** Pods come and go under their names. */
const RESOLVERS: Section = [
  'resolvers plimsoll',
  '    parse-resolv-conf',
  '    hold valid 2s',
  '    hold nx 5s',
  '    hold timeout 30s',
  '    hold other 30s',
]

function frontend({ limits, bind, largePaths }: ResolvedConfig): Section {
  return [
    'frontend plimsoll from plimsoll',
    `    bind ${bind}`,
    ...largePaths.map(path => `    acl plimsoll-large path_beg ${path}`),
    '    acl plimsoll-bodyless method GET HEAD DELETE OPTIONS',
    '    acl plimsoll-has-length req.hdr(content-length) -m found',
    '    acl plimsoll-chunked req.hdr(transfer-encoding) -m found',
    // As a string it is read in 64 bits; hdr_val() has 32, and 4 GiB would be 0.
    `    acl plimsoll-short req.hdr(content-length),add(0) le ${limits.smallBytes}`,
    `    use_backend plimsoll-small if ${unlessLarge(largePaths)}plimsoll-has-length plimsoll-short !plimsoll-chunked`,
    `    use_backend plimsoll-small if ${unlessLarge(largePaths)}plimsoll-bodyless !plimsoll-has-length !plimsoll-chunked`,
    '    default_backend plimsoll',
  ]
}

function unlessLarge(largePaths: readonly string[]): string {
  return largePaths.length > 0 ? '!plimsoll-large ' : ''
}

function backend({ limits, servers, healthPath }: ResolvedConfig): Section {
  const most = limits.maxConnPerPod
  return [
    'backend plimsoll from plimsoll',
    ...BALANCED,
    '    option httpchk',
    `    http-check send meth GET uri ${healthPath} ver HTTP/1.1 hdr Host plimsoll`,
    '    http-check expect status 200',
    // Where all others are full, one that is dead is the only one with room: it has to be down before a request has tried it
    // as often as it may, and by then each has seen no more than that many errors.
    `    default-server check inter 1s fastinter 500ms downinter 1s fall 2 rise 2 observe layer4 error-limit ${RETRIES} on-error mark-down weight 100 maxconn ${most} ${POOLED} pool-max-conn ${most}`,
    ...servers.map(
      server => `    server ${server.name} ${server.address}${agent(server)}${resolved(server)}`,
    ),
  ]
}

/** Up, draining or down as the others are, but with limits that no agent changes. */
function smallBackend({ limits, servers }: ResolvedConfig): Section {
  const most = limits.maxConnSmallPerPod
  return [
    'backend plimsoll-small from plimsoll',
    ...BALANCED,
    `    default-server weight 100 maxconn ${most} ${POOLED} pool-max-conn ${most}`,
    ...servers.map(
      server =>
        `    server ${server.name} ${server.address} track plimsoll/${server.name}${resolved(server)}`,
    ),
  ]
}

const BALANCED: Section = ['    balance leastconn', '    http-request disable-l7-retry unless METH_GET']

/** Sooner than Node, which closes idle connections after 5 s. */
const POOLED = 'pool-purge-delay 2s'

function agent({ agentPort }: ResolvedServer): string {
  return agentPort === undefined ? '' : ` agent-check agent-port ${agentPort} agent-inter 500ms`
}

function resolved({ named }: ResolvedServer): string {
  return named ? ' resolvers plimsoll init-addr last,libc,none' : ''
}

function commented(lines: Section): Section {
  return ['# Of the frontend:', ...lines.slice(2).map(line => `#${line}`)]
}
