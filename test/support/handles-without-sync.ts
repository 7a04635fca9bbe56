import { open } from 'node:fs/promises'
import { onTestFinished } from 'vitest'

/** For the rest of the test a FileHandle's `sync()` and `datasync()` throw, as those do that Yarn's Plug'n'Play puts in place of Node.js's. */
export async function withoutHandleSync(): Promise<void> {
  const handle = await open(import.meta.filename, 'r')
  await handle.close()
  const prototype = Object.getPrototypeOf(handle) as typeof handle
  for (const name of ['sync', 'datasync'] as const) {
    const original = prototype[name]
    prototype[name] = () => {
      throw new Error('Method not implemented.')
    }
    onTestFinished(() => void (prototype[name] = original))
  }
}
