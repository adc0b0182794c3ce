// Loaded by program.ts into the programs it starts: tells it which port they were given.
import { type AddressInfo, Server } from 'node:net'

const { listen } = Server.prototype
Server.prototype.listen = listenAndTell

function listenAndTell(this: Server, ...args: unknown[]): Server {
  this.once('listening', () => process.send?.((this.address() as AddressInfo).port))
  return (listen as (...args: unknown[]) => Server).apply(this, args)
}
