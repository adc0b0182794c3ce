import { connect } from 'node:net'

/** The status of a request whose target goes out as it stands: fetch would tidy up `..` and refuse NUL. */
export async function rawStatus(port: number, method: string, target: string): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  const body = method === 'PUT' ? 'content-length: 1\r\n\r\nx' : '\r\n'
  socket.end(`${method} ${target} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n${body}`)
  let answer = ''
  for await (const chunk of socket.setEncoding('latin1')) answer += chunk
  return Number(answer.split(' ')[1])
}
