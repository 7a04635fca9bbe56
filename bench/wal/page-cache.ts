import { writeFileSync } from 'node:fs'

/** Empties the system's page cache, which is possible on Linux, as root. Pages that are not written back yet stay. @returns whether it was done */
export function dropPageCache(): boolean {
  try {
    writeFileSync('/proc/sys/vm/drop_caches', '1')
    return true
  } catch {
    return false
  }
}
