import { frontProxyValues, renderConfig } from '@plimsoll/haproxy'
import { figures, limits } from './figures.ts'

const PROXY_PORT = 8080

/** The files of `kubernetes/`, by name: all their numbers are those of `figures.ts`, or follow from them. */
export function manifests(): Readonly<Record<string, string>> {
  return {
    'haproxy.cfg': haproxyConfig(),
    'values.json': `${JSON.stringify(frontProxyValues(limits), null, 2)}\n`,
    'store.yaml': store(),
    'frontproxy.yaml': frontproxy(),
    'kustomization.yaml': KUSTOMIZATION,
  }
}

function haproxyConfig(): string {
  const { pods, port, agentPort } = figures
  // The names that a StatefulSet gives its pods, whatever addresses they have today.
  const servers = Array.from({ length: pods }, (_, n) => ({ host: `store-${n}.store`, port, agentPort }))
  return renderConfig({ ...limits, servers, bind: `:${PROXY_PORT}` })
}

const KUSTOMIZATION = `# The configuration's name has its hash in it: a change of numbers restarts the proxies.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - store.yaml
  - frontproxy.yaml
configMapGenerator:
  - name: frontproxy
    files:
      - haproxy.cfg
`

function store(): string {
  const { pods, memoryMiB, budget, port, agentPort, drainMs, shutdownMs } = figures
  // And a little for the process to end.
  const graceSeconds = Math.ceil((drainMs + shutdownMs) / 1000) + 5
  return `apiVersion: v1
kind: Service
metadata:
  name: store
spec:
  clusterIP: None
  # HAProxy hears from the pod itself when it drains. Without its name it could not finish what it has begun.
  publishNotReadyAddresses: true
  selector: { app: store }
  ports:
    - { name: http, port: ${port} }
    - { name: agent, port: ${agentPort} }
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: store
spec:
  serviceName: store
  replicas: ${pods}
  podManagementPolicy: Parallel
  selector:
    matchLabels: { app: store }
  template:
    metadata:
      labels: { app: store }
    spec:
      terminationGracePeriodSeconds: ${graceSeconds}
      containers:
        - name: store
          image: store
          args: ["--host", "0.0.0.0", "--port", "${port}", "--dir", "/objects", "--budget", "${budget}"]
          env:
            - { name: AGENT_PORT, value: "${agentPort}" }
            - name: OBJECT_STORE_KEY
              valueFrom:
                secretKeyRef: { name: store, key: key }
          ports:
            - { name: http, containerPort: ${port} }
            - { name: agent, containerPort: ${agentPort} }
          resources:
            requests: { memory: ${memoryMiB}Mi }
            limits: { memory: ${memoryMiB}Mi }
          readinessProbe:
            httpGet: { path: /readyz, port: http }
            periodSeconds: 2
          livenessProbe:
            httpGet: { path: /healthz, port: http }
          volumeMounts:
            - { name: objects, mountPath: /objects }
      volumes:
        - name: objects
          emptyDir: {}
---
# One at a time, and never a second one beside a rolling restart.
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: store
spec:
  maxUnavailable: 1
  selector:
    matchLabels: { app: store }
`
}

function frontproxy(): string {
  return `apiVersion: v1
kind: Service
metadata:
  name: frontproxy
spec:
  selector: { app: frontproxy }
  ports:
    - { name: http, port: 80, targetPort: http }
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: frontproxy
spec:
  replicas: ${figures.proxies}
  selector:
    matchLabels: { app: frontproxy }
  template:
    metadata:
      labels: { app: frontproxy }
    spec:
      containers:
        - name: haproxy
          image: haproxy:3.0
          args: ["haproxy", "-W", "-db", "-f", "/etc/frontproxy/haproxy.cfg"]
          ports:
            - { name: http, containerPort: ${PROXY_PORT} }
          readinessProbe:
            tcpSocket: { port: http }
          volumeMounts:
            - { name: config, mountPath: /etc/frontproxy }
      volumes:
        - name: config
          configMap: { name: frontproxy }
`
}
