import { readFileSync } from 'node:fs'

/** Memory of this process that is in RAM, in bytes. */
export interface Resident {
  readonly rss: number
  /** The process's own memory; undefined if the system does not distinguish it from mapped pages. */
  readonly anonymous: number | undefined
  /** Pages of files that are mapped into it, which the system takes back when it needs memory: LevelDB maps its tables. */
  readonly mapped: number | undefined
}

export function residentMemory(): Resident {
  const status = statusText()
  const field = (name: string): number | undefined => {
    const kib = new RegExp(String.raw`^${name}:\s+(\d+) kB`, 'm').exec(status)?.[1]
    return kib === undefined ? undefined : Number(kib) * 1024
  }
  return { rss: field('VmRSS') ?? process.memoryUsage.rss(), anonymous: field('RssAnon'), mapped: field('RssFile') }
}

/** Empty if there is no /proc. */
function statusText(): string {
  try {
    return readFileSync('/proc/self/status', 'latin1')
  } catch {
    return ''
  }
}
