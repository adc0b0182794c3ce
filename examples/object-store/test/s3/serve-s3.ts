import type { Test } from 'tap'
import type { AppOptions } from '../../src/app.ts'
import { MemoryStorage } from '../../src/memory-storage.ts'
import { diskS3Storage } from '../../src/s3/s3-storage.ts'
import { type Served, serve } from '../serve.ts'

export interface ServedS3 extends Served {
  /** A bucket's, without a slash at its end. */
  readonly bucket: string
  /** Where buckets and uploads are kept. */
  readonly folder: string
}

/** Runs `use` against a server on a real socket that keeps a bucket on disk, and checks that it has kept nothing else. */
export async function serveS3(
  t: Test,
  use: (served: ServedS3) => Promise<unknown>,
  options: Partial<AppOptions> = {},
): Promise<void> {
  const folder = t.testdir()
  const s3Storage = await diskS3Storage(folder)
  await s3Storage.buckets.create('bucket')
  await serve(t, { storage: new MemoryStorage(), s3Storage, ...options }, served =>
    use({ ...served, bucket: `${served.url}/bucket`, folder: `${folder}/s3` }),
  )
}

/** Checks an answer to be an error in S3's shape. */
export async function refused(t: Test, response: Response, status: number, code: string): Promise<void> {
  const text = await response.text()
  t.equal(response.status, status, code)
  t.equal(response.headers.get('content-type'), 'application/xml', code)
  const document =
    /^<\?xml version="1\.0" encoding="UTF-8"\?><Error><Code>(\w+)<\/Code><Message>[^<]+<\/Message><RequestId>[^<]+<\/RequestId><\/Error>$/
  t.equal(document.exec(text)?.[1], code, text)
}

/** The texts of all elements of that name. */
export function texts(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, text = '']) => text)
}
