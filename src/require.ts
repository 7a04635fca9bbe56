import module from 'node:module'

/**
 * Loads packages that are CommonJS, native, or may be missing. Not by an imported `createRequire`: webpack takes that for its own and leaves
 * undefined.
 */
export const require = module.createRequire(here())

/**
 * In a bundle that is CommonJS, as esbuild makes it by default, `import.meta` is empty, and with webpack it names a file of the machine that
 * made the bundle; but there is `__filename`, which may not be asked for by `typeof`: webpack says yes where there is none.
 */
function here(): string {
  try {
    return __filename
  } catch {
    return import.meta.url
  }
}
