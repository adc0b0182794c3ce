import { type Attributes, type MeterProvider, metrics } from '@opentelemetry/api'
import { type AdmittedMessage, checkOptions, type Governor, memoryUse, optionError } from '@plimsoll/core'
import type { BoundedSpanProcessor } from './bounded-span-processor.ts'
import { governorInstruments, observeGovernor, observeSpans } from './governor-instruments.ts'
import { OpenRequests } from './open-requests.ts'
import { serverSpan } from './server-span.ts'

/** How a governor is observed. */
export interface InstrumentOptions {
  /** Whose metrics they are. Default: the global one of OpenTelemetry's API. */
  readonly meterProvider?: MeterProvider
  /** Said with each figure, to tell governors apart. Default: none. */
  readonly attributes?: Attributes
  /** A span processor, to tell what has become of its spans. Default: none. */
  readonly spanProcessor?: BoundedSpanProcessor
  /**
   * Whether the span of a request that had to wait says for how long, in seconds, as `plimsoll.request.wait_time`. Default true.
   */
  readonly spanAttribute?: boolean
}

const KEYS = ['meterProvider', 'attributes', 'spanProcessor', 'spanAttribute']

/**
 * Tells the figures of a governor by OpenTelemetry's API, when a reader collects them: see the README for their names. Their
 * attributes have few values: methods, patterns of routes (500 at most), codes of errors.
 *
 * @returns what stops it
 * @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong
 */
export function instrumentGovernor(governor: Governor, options: InstrumentOptions = {}): () => void {
  checkOptions(options, KEYS, 'options')
  if (typeof governor?.stats !== 'function') throw optionError('governor', 'a Governor', governor)
  const {
    meterProvider = metrics.getMeterProvider(),
    attributes = {},
    spanProcessor,
    spanAttribute = true,
  } = options
  if (typeof meterProvider?.getMeter !== 'function')
    throw optionError('meterProvider', 'a MeterProvider', meterProvider)
  if (typeof spanAttribute !== 'boolean') throw optionError('spanAttribute', 'a boolean', spanAttribute)
  const meter = meterProvider.getMeter('@plimsoll/opentelemetry')
  const { waitTime, observed, spans } = governorInstruments(meter)
  const open = new OpenRequests(governor, ({ waitedMs, route }) => {
    const seconds = waitedMs / 1000
    waitTime.record(seconds, { ...attributes, ...attributesOf(route) })
    if (spanAttribute && waitedMs > 0) serverSpan()?.setAttribute('plimsoll.request.wait_time', seconds)
  })
  const observe: Parameters<typeof meter.addBatchObservableCallback>[0] = result => {
    observeGovernor(result, observed, governor.stats(), open, memoryUse().read(), attributes)
    if (spanProcessor !== undefined) observeSpans(result, spans, spanProcessor.stats(), attributes)
  }
  const instruments = [
    ...Object.values(observed),
    ...(spanProcessor === undefined ? [] : Object.values(spans)),
  ]
  meter.addBatchObservableCallback(observe, instruments)
  return () => {
    meter.removeBatchObservableCallback(observe, instruments)
    open.close()
  }
}

/** A route is a method and a pattern; those that are not told apart have neither. */
function attributesOf(route: AdmittedMessage['route']): Attributes {
  const [method, pattern] = route?.split(' ', 2) ?? []
  if (pattern === undefined || !pattern.startsWith('/')) return {}
  return { 'http.request.method': method, 'http.route': pattern }
}
