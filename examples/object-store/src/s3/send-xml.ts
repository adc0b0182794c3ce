import XMLBuilder from 'fast-xml-builder'
import type { FastifyReply } from 'fastify'

export type Xml = string | number | boolean | undefined | readonly Xml[] | { readonly [name: string]: Xml }

const builder = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: '@' })

/** What is undefined is left out. */
export function sendXml(
  reply: FastifyReply,
  root: string,
  content: { readonly [name: string]: Xml },
): FastifyReply {
  const document = {
    '?xml': { '@version': '1.0', '@encoding': 'UTF-8' },
    // Errors have no namespace in S3 either.
    [root]: root === 'Error' ? content : { '@xmlns': 'http://s3.amazonaws.com/doc/2006-03-01/', ...content },
  }
  return reply.type('application/xml').send(builder.build(document))
}
