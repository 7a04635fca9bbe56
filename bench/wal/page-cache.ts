import { writeFileSync } from 'node:fs'

/** Empties the system's page cache, where that is allowed: on Linux, as root. What is not written back yet stays. */
export function dropPageCache(): boolean {
  try {
    writeFileSync('/proc/sys/vm/drop_caches', '1')
    return true
  } catch {
    return false
  }
}
