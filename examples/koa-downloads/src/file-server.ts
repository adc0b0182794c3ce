import { randomUUID } from 'node:crypto'
import { createWriteStream, mkdirSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import send from 'send'

/** The upstream: files of one folder under `/files/`, to be got, with ranges, and put. */
export function fileServer(folder: string): Server {
  mkdirSync(folder, { recursive: true })
  return createServer((req, res) => {
    const name = /^\/files\/(\w[\w.-]*)$/.exec(String(req.url))?.[1]
    if (name === undefined) res.writeHead(404).end()
    else if (req.method === 'PUT') void put(req, res, folder, name)
    else send(req, name, { root: folder }).pipe(res)
  })
}

async function put(req: IncomingMessage, res: ServerResponse, folder: string, name: string): Promise<void> {
  const temporary = join(folder, `.${randomUUID()}`)
  try {
    await pipeline(req, createWriteStream(temporary))
    await rename(temporary, join(folder, name))
    res.writeHead(201).end()
  } catch {
    // Its client is gone, or the disk is full: either way there is no file, and no half of one.
    await rm(temporary, { force: true })
    res.destroy()
  }
}
