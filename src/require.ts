import module from 'node:module'
import { isAbsolute } from 'node:path'

/**
 * Loads packages that are CommonJS, native, or may be missing. Not by an imported `createRequire`: webpack takes that for its own and leaves
 * undefined. For each package there is a call with its name as it is written: that is how tools that gather the files a server needs, as Next.js and
 * Nitro do, see it.
 */
export const require = module.createRequire(here())

/**
 * In a bundle that is CommonJS, as esbuild makes it by default, `import.meta` is empty, and with webpack it names a file of the machine that
 * made the bundle; but there is `__filename`, which may not be asked for by `typeof`: webpack says yes where there is none. In a program that is in no
 * file, as with `node -e`, there is a global one, '[eval]'.
 */
function here(): string {
  try {
    if (isAbsolute(__filename)) return __filename
  } catch {
    // There is none in an ES module.
  }
  return import.meta.url
}
