import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')

/** Global only in contexts made since the flag was set. */
const collect = runInNewContext('gc') as () => void

/** A full collection. Another thread frees the buffers that one finds to be garbage, and until then they count: the next waits for it. */
export function collectGarbage(): void {
  collect()
  collect()
}
