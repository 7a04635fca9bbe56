import { createRequire } from 'node:module'

/**
 * Loads packages that are CommonJS, native, or may be missing. A bundler that makes one CommonJS file (esbuild does by default) leaves
 * `import.meta` empty, and there `__filename` is.
 */
export const require = createRequire(import.meta.url ?? __filename)
