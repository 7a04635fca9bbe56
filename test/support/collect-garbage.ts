import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')

/** A full collection. The function is global only in contexts made since the flag was set. */
export const collectGarbage = runInNewContext('gc') as () => void
