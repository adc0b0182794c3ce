import type { FastifyRequest } from 'fastify'

/** The bucket and the key in a request's path, decoded; '' where it has none. */
export function targetOf(request: FastifyRequest): { readonly bucket: string; readonly key: string } {
  const { bucket = '', '*': key = '' } = request.params as { bucket?: string; '*'?: string }
  return { bucket, key }
}

/** A parameter of the query; '' where there is none. Of several by one name the first is meant. */
export function parameter(request: FastifyRequest, name: string): string {
  const value = (request.query as Record<string, string | string[] | undefined>)[name] ?? ''
  return typeof value === 'string' ? value : (value[0] as string)
}
