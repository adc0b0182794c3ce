import { createHash } from 'node:crypto'
import { text } from 'node:stream/consumers'
import {
  Governor,
  type HttpRequest,
  type HttpResponse,
  isPlimsollError,
  type RoutePolicy,
  reservationOf,
} from '@plimsoll/core'
import type { Notebook } from './notebook.ts'

export type Listener = (req: HttpRequest, res: HttpResponse) => unknown

interface Route {
  /** Over the governor's own. */
  readonly policy?: RoutePolicy
  readonly handle: (req: HttpRequest, res: HttpResponse, name: string) => Promise<void> | void
}

const PROBES: ReadonlySet<string> = new Set(['/health', '/healthz', '/readyz'])

export interface App {
  readonly governor: Governor
  readonly listener: Listener
}

export function buildApp(notebook: Notebook, budget: string, maxBody: string): App {
  const governor = new Governor({
    budget,
    maxBody,
    // JSON is held as text and as objects: the most that any route makes of its body.
    cost: ({ declaredBytes = 0 }) => 3 * declaredBytes,
    // Asked by those who decide whether this process lives: it never waits behind uploads.
    exempt: ({ url }) => PROBES.has(url),
  })

  const routes: Readonly<Record<string, Route>> = {
    'GET /health': { handle: (_req, res) => answer(res, 200, JSON.stringify(governor.stats())) },
    // A server that is not live is to be restarted, one that is not ready is to be sent nothing for a while.
    'GET /healthz': { handle: (_req, res) => probe(res, governor.health().live) },
    'GET /readyz': { handle: (_req, res) => probe(res, governor.health().ready) },

    'PUT /notes/NAME': {
      async handle(req, res, name) {
        const note = JSON.parse(await text(req))
        await notebook.write(`${name}.json`, JSON.stringify(note, undefined, 2))
        answer(res, 204)
      },
    },
    'GET /notes/NAME': { handle: (req, res, name) => send(req, res, `${name}.json`) },

    'PUT /photos/NAME': {
      // It goes to the disk as it comes, and gives back what was reserved before its route was known.
      policy: { body: 'stream', cost: '128KiB' },
      async handle(req, res, name) {
        await notebook.writeStream(name, req)
        answer(res, 204)
      },
    },
    'GET /photos/NAME': { handle: send },
  }

  function probe(res: HttpResponse, well: boolean): void {
    answer(res, well ? 200 : 503, JSON.stringify(governor.health()))
  }

  /** Sends a page whole: its tag is made of its last byte, too. */
  async function send(req: HttpRequest, res: HttpResponse, page: string): Promise<void> {
    const file = await notebook.open(page)
    try {
      // Only now it is known how much that is. Waits for its turn, as an upload of that size would.
      await reservationOf(req).requeue((await file.stat()).size)
      const content = await file.readFile()
      const etag = `"${createHash('sha256').update(content).digest('base64url')}"`
      res.setHeader('ETag', etag)
      if (req.headers['if-none-match'] === etag) answer(res, 304)
      else answer(res, 200, content)
    } finally {
      await file.close()
    }
  }

  async function handle(req: HttpRequest, res: HttpResponse): Promise<void> {
    const [, path, name = ''] = /^(\/\w+)(?:\/(\w[\w.-]{0,99}))?$/.exec(String(req.url)) ?? []
    const route = routes[`${req.method} ${path}${name && '/NAME'}`]
    try {
      if (route?.policy !== undefined) governor.admit(req, res, route.policy)
      if (route === undefined) answer(res, 404, 'There is no such page\n')
      else await route.handle(req, res, name)
    } catch (error) {
      // A refusal is answered by the governor's listener.
      if (isPlimsollError(error)) throw error
      // Else its client has gone, and half an upload is no fault.
      if (!reservationOf(req).signal.aborted) answerFault(res, error)
    }
  }

  return { governor, listener: governor.listener(handle) }
}

function answerFault(res: HttpResponse, error: unknown): void {
  if (error instanceof SyntaxError) answer(res, 400, 'That is no JSON\n')
  else if ((error as NodeJS.ErrnoException).code === 'ENOENT') answer(res, 404, 'There is no such page\n')
  else {
    console.error(error)
    answer(res, 500, 'Something is wrong here\n')
  }
}

function answer(res: HttpResponse, status: number, body: string | Buffer = ''): void {
  res.statusCode = status
  res.end(body)
}
