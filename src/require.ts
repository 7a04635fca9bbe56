import { createRequire } from 'node:module'

/**
 * Loads packages that are CommonJS, native, or may be missing. In a bundle that is CommonJS, as esbuild makes it by default, `import.meta` is
 * empty, but there is `__filename`.
 */
export const require = createRequire(import.meta.url ?? __filename)
