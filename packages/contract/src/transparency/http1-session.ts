import fc from 'fast-check'
import { generatedBody } from './generated-body.ts'
import { type Framed, generatedFraming } from './http1-framing.ts'
import { generatedHead, type HeaderLine } from './http1-head.ts'
import type { Session } from './session.ts'

/** What a client does on one connection of HTTP/1, in this order. */
export interface Http1Session extends Session {
  readonly steps: readonly Step[]
}

export type Step =
  | { readonly write: Buffer }
  /** Waits for the answers to so many requests, or until nothing comes any more. */
  | { readonly answers: number }
  /** Waits to be told to go on. */
  | { readonly goOn: true }
  /** Lets so many turns of the event loop go by. */
  | { readonly turns: number }

interface Shot {
  /** Of the request with this number on its connection. */
  head(number: number): Buffer
  readonly wire: Buffer
  readonly says: string
  /** Where the request is cut in two, as a share of it, and for how many turns it rests there. */
  readonly cuts: readonly { readonly at: number; readonly turns: number }[]
  /** Sends the body only once it is told to, where it asked. */
  readonly patient: boolean
  readonly alone: boolean
}

const NO_BODY: Framed = { headers: [], wire: Buffer.alloc(0), says: 'no body' }

function generatedShot(paths: readonly string[]): fc.Arbitrary<Shot> {
  return fc
    .record({
      head: generatedHead(paths),
      payload: fc.option(fc.record({ body: generatedBody, frame: generatedFraming }), {
        freq: 5,
        nil: undefined,
      }),
      cuts: fc.array(
        fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), turns: fc.constantFrom(0, 1, 3, 10) }),
        { maxLength: 4 },
      ),
      patient: fc.boolean(),
      alone: fc.boolean(),
    })
    .map(({ head, payload, cuts, ...rest }) => {
      const { body, frame } = payload ?? {}
      const { headers, wire, says } = body && frame ? frame(body.bytes) : NO_BODY
      const about: HeaderLine[] = []
      if (body?.type !== undefined) about.push(['Content-Type', body.type])
      if (body?.encoding !== undefined) about.push(['Content-Encoding', body.encoding])
      const lines = [...head.headers, ...about, ...headers].map(([name, value]) => `${name}: ${value}`)
      const line = `${head.before}${head.method} ${head.target} ${head.version}`
      return {
        head: (number: number) =>
          Buffer.from([line, ...lines, `X-Number: ${number}`, '', ''].join(head.lineEnd), 'latin1'),
        wire,
        says,
        cuts: cuts.toSorted((one, other) => one.at - other.at),
        ...rest,
        // Of what comes in one read with the end of an upgrade that nobody takes, Node loses all that is behind it.
        alone: rest.alone || head.headers.some(([name]) => name === 'Upgrade'),
      }
    })
}

function stepsOf(shot: Shot, index: number): Step[] {
  const { wire, cuts, patient, alone } = shot
  const head = shot.head(index)
  const steps: Step[] = []
  const asks = patient && /\r\nexpect: 100-continue\r\n/i.test(head.toString('latin1'))
  const parts = asks ? [head, wire] : [Buffer.concat([head, wire])]
  for (const [number, part] of parts.entries()) {
    if (number > 0) steps.push({ goOn: true })
    let from = 0
    for (const { at, turns } of number === parts.length - 1 ? cuts : []) {
      const to = Math.floor(at * part.length)
      steps.push({ write: part.subarray(from, to) }, { turns })
      from = to
    }
    steps.push({ write: part.subarray(from) })
  }
  if (alone) steps.push({ answers: index + 1 })
  return steps
}

/** One to four requests on a connection, one after the other's answer or all at once; one alone every second time. */
export function http1Session(paths: readonly string[]): fc.Arbitrary<Http1Session> {
  const shot = generatedShot(paths)
  return fc.oneof(fc.tuple(shot), fc.array(shot, { minLength: 2, maxLength: 4 })).map(shots => ({
    steps: shots.flatMap(stepsOf),
    requests: shots.length,
    pipelined: [...shots.keys()].filter(number => number > 0 && shots[number - 1]?.alone === false),
    says: shots.map(({ head, says }, index) => `${head(index).toString('latin1').slice(0, 800)}(${says})`),
  }))
}
