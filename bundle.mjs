import { build } from 'rolldown'

/*
 * The code that is published: a file for each entry point, where `package.json` says. In a few files it is loaded in less than half of the time that
 * its hundreds of sources take. The types beside it are `tsc`'s.
 */

/** This one included: an adapter imports it by its name. Not a file on Windows, such as `C:\src\index.ts`. */
const PACKAGES = /^[^./][^:]/

/** The command imports the library by its path. Here it is a package like others, so that there is one of it. */
const libraryByName = {
  name: 'library-by-name',
  resolveId: path => (/^(\.\.\/)+index\.js$/.test(path) ? { id: 'compressed-kv', external: true } : null)
}

function from(entries, plugins = []) {
  return {
    input: Object.fromEntries(entries.map(entry => [entry, `${entry}.ts`])),
    external: PACKAGES,
    platform: 'node',
    transform: { target: 'es2022' },
    plugins,
    output: { dir: 'dist', sourcemap: true, entryFileNames: '[name].js', chunkFileNames: 'adapters/[name].js' }
  }
}

await build([
  from(['src/index']),
  from(['src/cli/main'], [libraryByName]),
  from(['adapters/blobs', 'adapters/keyv', 'adapters/tensor-cache'])
])
