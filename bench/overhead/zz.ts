import { spawn } from 'node:child_process'
import { once } from 'node:events'
import autocannon from 'autocannon'
const [fw = 'Fastify 5', front = 'plimsoll', route='hello', seconds = '6', prof = ''] = process.argv.slice(2)
const args = ['-c','0','node', ...(prof ? ['--cpu-prof','--cpu-prof-dir',prof,'--cpu-prof-interval','200'] : []), '--import','tsx','/work/main/bench/overhead/server.ts', fw, front, 'HTTP/1']
const s = spawn('taskset', args, { stdio: ['ignore','inherit','inherit','ipc'] })
const [{ port }] = await once(s, 'message')
const opts = route === 'hello' ? { url: `http://127.0.0.1:${port}/` } : { url: `http://127.0.0.1:${port}/`, method: 'POST', headers: {'content-type':'application/json'}, body: JSON.stringify({a:'x'.repeat(1000)}) }
await autocannon({ ...opts, connections: 64, duration: 5 } as any)
s.send('c'); const [c0] = await once(s, 'message')
const r = await autocannon({ ...opts, connections: 64, duration: Number(seconds) } as any)
s.send('c'); const [c1] = await once(s, 'message')
const cpu = (c1.user + c1.system - c0.user - c0.system) / r.requests.total
console.log(fw, front, route, 'rps', Math.round(r.requests.average), 'us', cpu.toFixed(2), 'user', ((c1.user-c0.user)/r.requests.total).toFixed(2))
s.disconnect(); await once(s, 'exit')
