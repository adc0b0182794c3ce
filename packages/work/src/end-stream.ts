import { constants, type Http2Stream } from 'node:http2'
import type { Readable } from 'node:stream'

/** Breaks a Node stream off, and what it comes from. What it says to that is not heard. */
export function endStream(stream: Readable): void {
  // One that ends before its time says so, undici's for one, and without a listener that would end the process.
  stream.on('error', () => {})
  // One of HTTP/2 that is only destroyed tells the other side that all is well, and that waits on.
  if (isHttp2Stream(stream)) stream.close(constants.NGHTTP2_CANCEL)
  stream.destroy()
}

function isHttp2Stream(stream: Readable): stream is Http2Stream {
  return 'rstCode' in stream
}
