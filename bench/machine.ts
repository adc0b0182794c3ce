import { cpus, release, totalmem } from 'node:os'

/** What figures were measured on: they mean little without. */
export interface Machine {
  readonly node: string
  readonly system: string
  readonly cores: number
  readonly processor: string
  readonly memoryBytes: number
}

export function thisMachine(): Machine {
  const processors = cpus()
  return {
    node: process.version,
    system: `${process.platform} ${release()} ${process.arch}`,
    cores: processors.length,
    processor: processors[0]?.model.trim() ?? 'unknown processor',
    memoryBytes: totalmem(),
  }
}

export function machineLine({ node, system, cores, processor }: Machine): string {
  return `Node ${node}, ${cores} cores of ${processor}, ${system}`
}
