import { contenders } from './contenders.ts'
const [framework, inFront] = process.argv.slice(2)
const c = contenders.find(k => k.framework === framework && k.inFront === inFront)!
const s = await c.serve(c.inFront)
if (!s.listening) await new Promise(r => s.once('listening', r))
console.log((s.address() as any).port)
process.on('SIGTERM', () => process.exit())
