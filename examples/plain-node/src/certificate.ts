import { readFile } from 'node:fs/promises'
import { generate } from 'selfsigned'

/** In PEM, as `node:tls` takes it. */
export interface Certificate {
  readonly key: string
  readonly cert: string
}

/** Of these files, or a new one. */
export async function certificateOf(cert: string | undefined, key: string | undefined): Promise<Certificate> {
  if (cert === undefined || key === undefined) return makeCertificate()
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') }
}

/** One that nobody has reason to trust, for this machine and this run. */
async function makeCertificate(): Promise<Certificate> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  })
  return { key, cert }
}
