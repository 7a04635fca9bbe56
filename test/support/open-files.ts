import { existsSync, readdirSync, readlinkSync } from 'node:fs'

const DESCRIPTORS = '/proc/self/fd'

/** Whether {@link openIn} works: only Linux lists them. */
export const LISTS_OPEN_FILES = existsSync(DESCRIPTORS)

/** What this process has open below a directory; others of its descriptors come and go. */
export function openIn(directory: string): string[] {
  return readdirSync(DESCRIPTORS).flatMap(descriptor => {
    try {
      const target = readlinkSync(`${DESCRIPTORS}/${descriptor}`)
      return target.startsWith(directory) ? [target] : []
    } catch {
      return [] // The one that lists them.
    }
  })
}
