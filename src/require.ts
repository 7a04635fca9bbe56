import module from 'node:module'
import { isAbsolute } from 'node:path'

/**
 * Loads packages that are CommonJS, native, or may be missing. `createRequire` is not imported by its name: webpack would replace it, and leave
 * undefined. For each package there is a call with its name as it is written: that is how tools that gather the files a server needs, as Next.js and
 * Nitro do, see it.
 */
export const require = module.createRequire(here())

/**
 * The file of this module. In a CommonJS bundle, as esbuild makes it by default, `import.meta` is empty, and in one of webpack it names a file of the
 * machine that made the bundle. But there is `__filename`. Whether there is cannot be asked by `typeof`, since webpack says yes even if there is none.
 * In a program that is in no file, as with `node -e`, a global `__filename` is '[eval]'.
 */
function here(): string {
  try {
    if (isAbsolute(__filename)) return __filename
  } catch {
    // An ES module has no `__filename`.
  }
  return import.meta.url
}
