import { connect } from 'node:net'

/** All at once at one port, in a process of its own: `<port> <how many>`. Half-open ones, garbage, and who resets. */
const [port, crowd] = process.argv.slice(2).map(Number) as [number, number]
let gone = 0

for (let n = 0; n < crowd; n++) {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  if (n % 3 === 1) socket.write(Buffer.alloc(8192, 'x'))
  if (n % 3 === 2) socket.once('connect', () => socket.resetAndDestroy())
  // Who is half-open never ends its side; that it was cut it hears only if it writes.
  const tries = setInterval(() => socket.write('x'), 500)
  socket.once('close', () => {
    clearInterval(tries)
    if (++gone === crowd) process.disconnect()
  })
  socket.resume()
}
