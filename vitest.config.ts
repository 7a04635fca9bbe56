import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: {
    // Examples and adapters are tested as a user would write them, against the sources.
    alias: [
      { find: /^compressed-kv$/, replacement: here('./src/index.ts') },
      { find: /^compressed-kv\/blobs$/, replacement: here('./adapters/blobs.ts') },
      { find: /^compressed-kv\/keyv$/, replacement: here('./adapters/keyv.ts') },
      { find: /^compressed-kv\/tensor-cache$/, replacement: here('./adapters/tensor-cache.ts') }
    ]
  },
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // By default one core is left idle, which on two of them doubles the time.
    maxWorkers: '100%',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: { provider: 'v8', include: ['src/**', 'adapters/**'], thresholds: { lines: 90 } }
  }
})
