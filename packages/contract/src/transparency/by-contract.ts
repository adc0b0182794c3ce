import { isDeepStrictEqual } from 'node:util'
import type { Answer } from './answers.ts'
import { UNSAFE_LENGTH } from './http1-framing.ts'
import type { Page } from './journal.ts'
import type { Outcome } from './outcome.ts'
import type { Session } from './session.ts'

/** What has come of one session on both servers. */
export interface Pair {
  readonly session: Session
  readonly ungoverned: Outcome
  readonly governed: Outcome
}

/** A difference that is there by contract. */
export interface Exception {
  readonly why: string
  /** What is left to be compared; the pair itself where nothing differs by this. */
  except(pair: Pair): Pair
}

const BAD_URL = / \/%zz [\s\S]*\nexpect: 100-continue/i
const LENGTH_OF_STREAM = /"content-length":(\d+)/
const LENGTH = /^Content-Length: (\d+)$/m

/** As few as there are, and as narrow as they can be told. */
export const BY_CONTRACT: readonly Exception[] = [
  {
    why: 'a length that no double can hold is refused, where Node waits for a body of that length',
    except(pair) {
      const { session, governed } = pair
      const sent = session.says.some(request => request.includes(UNSAFE_LENGTH))
      const last = governed.answers.length - 1
      return sent && governed.answers[last]?.status === 400 ? before(pair, last) : pair
    },
  },
  {
    why: "a body over Fastify's limit is refused by its head, with a code of ours, also where nobody would read it",
    except(pair) {
      const { session, governed } = pair
      const sent = session.says.some(request => Number(LENGTH.exec(request)?.[1]) > 2 ** 20)
      const last = governed.answers.length - 1
      return sent && governed.answers[last]?.status === 413 ? before(pair, last) : pair
    },
  },
  {
    why: 'the same over HTTP/2',
    except: pair =>
      withoutStreams(pair, (says, _, { status }) => {
        return Number(LENGTH_OF_STREAM.exec(says)?.[1]) > 2 ** 20 && (status === 413 || status === 0)
      }),
  },
  {
    why: 'what a framework answers before it asks anybody spares the client its body: no 100 comes, and Node closes',
    except(pair) {
      const { session, ungoverned, governed } = pair
      const last = governed.answers.length - 1
      const { status, head } = governed.answers[last] ?? {}
      const asked =
        ungoverned.answers[last]?.status === 100 && session.says.some(request => BAD_URL.test(request))
      return asked && status === 400 && head?.includes('Connection: close') ? before(pair, last) : pair
    },
  },
  {
    why: 'the same over HTTP/2, where nobody closes',
    except: pair =>
      withoutStreams(pair, (_, ungoverned, governed) => {
        return ungoverned.head[0] === 'continue' && governed.head[0] !== 'continue' && governed.status >= 400
      }),
  },
  {
    why: 'Node puts the 100 of a request that is pipelined behind the head of its answer, unless it begins in its turn',
    except(pair) {
      if (pair.session.pipelined.length === 0) return pair
      return { ...pair, ungoverned: unasked(pair.ungoverned), governed: unasked(pair.governed) }
    },
  },
  {
    why: 'what is malformed is met in its turn, and who was before it is answered; Node takes the connection from them',
    except(pair) {
      const { session, ungoverned, governed } = pair
      const last = ungoverned.answers.length - 1
      const met = ungoverned.answers[last]?.status === 400 && governed.answers.length > last
      const same = isDeepStrictEqual(ungoverned.answers.slice(0, last), governed.answers.slice(0, last))
      return session.pipelined.length > 0 && met && same ? before(pair, last) : pair
    },
  },
  {
    why: 'behind a request that waited what is malformed has come by its grant, when a little is read, and Node answers it',
    except({ session, ungoverned, governed }) {
      const pair = { session, ungoverned, governed }
      const last = governed.answers.length - 1
      const met = governed.answers[last]?.status === 400 && ungoverned.answers.length > last
      const same = isDeepStrictEqual(ungoverned.answers.slice(0, last), governed.answers.slice(0, last))
      return session.pipelined.length > 0 && met && same ? before(pair, last) : pair
    },
  },
  {
    why: 'of requests pipelined on a connection one begins when those before it are over, and none where they were cut',
    except: pair => inTurn(pair),
  },
]

/** But for the streams of a session that are such. */
function withoutStreams(
  { session, ungoverned, governed }: Pair,
  such: (says: string, ungoverned: Answer, governed: Answer) => boolean,
): Pair {
  const numbers = session.says.flatMap((says, number) => {
    const [one, other] = [ungoverned.answers[number], governed.answers[number]]
    return one && other && such(says, one, other) ? [number] : []
  })
  const left = (outcome: Outcome): Outcome => ({
    ...outcome,
    answers: outcome.answers.filter((_, number) => !numbers.includes(number)),
    pages: Object.fromEntries(
      Object.entries(outcome.pages).filter(([name]) => !numbers.includes(Number(name))),
    ),
  })
  return { session, ungoverned: left(ungoverned), governed: left(governed) }
}

/** What came before the answer at `place`. The connections have nothing in common from there on. */
function before(pair: Pair, place: number): Pair {
  if (place === -1) return pair
  return { ...pair, ungoverned: upTo(pair.ungoverned, place), governed: upTo(pair.governed, place) }
}

function upTo({ answers, pages }: Outcome, place: number): Outcome {
  const left = answers.slice(0, place).filter(({ status }) => status >= 200)
  return {
    answers: left,
    end: 'open',
    pages: Object.fromEntries(Object.entries(pages).filter(([name]) => Number(name) < left.length)),
  }
}

/** Without 100s. What stands behind one is the body of the answer before it. */
function unasked(outcome: Outcome): Outcome {
  const answers: Answer[] = []
  for (const answer of outcome.answers) {
    const last = answers.at(-1)
    if (answer.status !== 100) answers.push(answer)
    else if (last !== undefined && answer.body !== '') {
      answers.splice(-1, 1, { ...last, body: last.body + answer.body })
    }
  }
  return { ...outcome, answers }
}

function inTurn({ session, ungoverned, governed }: Pair): Pair {
  if (session.pipelined.length === 0) return { session, ungoverned, governed }
  const begun = Object.entries(ungoverned.pages).filter(
    ([name, page]) => name in governed.pages || page.includes('response finish'),
  )
  // Behind one that waited, who costs nothing has come by its grant, and begins before it cuts the connection.
  const first = Object.entries(governed.pages).filter(([name]) => name in ungoverned.pages)
  const cut =
    begun.length < Object.keys(ungoverned.pages).length || first.length < Object.keys(governed.pages).length
  // What was sent for it, nobody has read; or all of it, and then the connection is closed and not reset.
  const read = ungoverned.end === 'reset by the server' && governed.end === 'closed by the server'
  return {
    session,
    ungoverned: { ...ungoverned, pages: apart(Object.fromEntries(begun), session) },
    governed: {
      ...governed,
      pages: apart(Object.fromEntries(first), session),
      ...((cut || read) && { end: ungoverned.end }),
    },
  }
}

/** What it did, and what happened to its answer, each in its order: how its body comes depends on when it begins. */
function apart(pages: Outcome['pages'], { pipelined }: Session): Outcome['pages'] {
  const parted = (page: Page): Page => [
    ...page.filter(line => !/^(request|response) /.test(line)),
    ...page.filter(line => line.startsWith('response ')),
  ]
  return Object.fromEntries(
    Object.entries(pages).map(([name, page]) => [
      name,
      pipelined.includes(Number(name)) ? parted(page) : page,
    ]),
  )
}
