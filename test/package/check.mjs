// Packs the library, lints the tarball, installs it into a project of its own, and uses it there as a stranger would: from plain ESM, by
// require, bundled, gathered, from TypeScript, and with a store left open at the end of the program. What README and docs show is compiled and run there too.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkDocuments } from './documents.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const ESBUILD_VERSION = '0.28.2'
const WEBPACK_VERSION = '5.113.0'
const NFT_VERSION = '1.11.5'
const project = mkdtempSync(join(tmpdir(), 'compressed-kv-package-'))
const gathered = mkdtempSync(join(tmpdir(), 'compressed-kv-gathered-'))
const write = (name, text) => writeFileSync(join(project, name), text)
const run = (command, ...args) => execFileSync(command, args, { cwd: project, encoding: 'utf8', timeout: 300_000 })

function versionOf(name) {
  return JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version
}

const program = `
const db = new CompressedKvStore(new Level(process.argv[2], { valueEncoding: 'json' }), { codec: 'zstd' })
const value = { text: 'compressible '.repeat(1000) }
db.put('key', value)
  .then(() => db.get('key'))
  .then(found => {
    if (found.text !== value.text) throw new Error('not what was put')
    if (db.getSync('key').text !== value.text) throw new Error('not what was put')
    return db.flush() // Counted when it is in the backend.
  })
  .then(() => {
    console.log('stored', db.stats().written.byCodec.zstd.values, 'with zstd; left open')
  })
`

const tensors = `import { CompressedKvStore } from 'compressed-kv'
import { TensorCache } from 'compressed-kv/tensor-cache'
import { Level } from 'level'
const db = new CompressedKvStore(new Level('db-tensors'))
const cache = new TensorCache(db, { model: 'm', dtype: 'f32', layers: 1, shape: [2, 3], seqAxis: 0, maxBytes: 1e6 })
await cache.putPrefix([1, 2], [Float32Array.of(1, 2, 3, 4, 5, 6)])
console.log((await cache.getPrefix([1, 2])).layers[0].join())
`

try {
  const packed = execFileSync('npm', ['pack', '--silent', '--pack-destination', project], {
    cwd: root,
    encoding: 'utf8'
  })
  const tarball = join(project, packed.trim().split('\n').at(-1))
  const lint = (...command) => execFileSync('npx', ['--no-install', ...command], { cwd: root, stdio: 'inherit' })
  lint('publint', 'run', tarball, '--strict')
  lint('attw', tarball, '--profile', 'esm-only')

  const installed = ['level', 'memory-level', 'keyv'].map(name => [name, versionOf(name)])
  installed.push(['esbuild', ESBUILD_VERSION], ['webpack', WEBPACK_VERSION], ['@vercel/nft', NFT_VERSION])
  write('package.json', JSON.stringify({ name: 'user', private: true, dependencies: Object.fromEntries(installed) }))
  run('npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', tarball)

  write('esm.mjs', `import { CompressedKvStore } from 'compressed-kv'\nimport { Level } from 'level'\n${program}`)
  write('tensors.mjs', tensors)
  write(
    'cjs.cjs',
    `const { CompressedKvStore } = require('compressed-kv')\nconst { Level } = require('level')\n${program}`
  )
  write(
    'user.mts',
    `import { CompressedKvStore } from 'compressed-kv'\nimport { TensorCache } from 'compressed-kv/tensor-cache'\nimport { Level } from 'level'\n
const db = new CompressedKvStore(new Level<string, { a: number }>('db', { valueEncoding: 'json' }), { codec: 'lz4' })
await db.put('key', { a: 1 }, { codec: 'zstd', ttl: 1000, sync: true })
const found: { a: number } | undefined = await db.get('key')
const sublevel = db.sublevel<string, string>('sub', {})
await sublevel.batch([{ type: 'put', key: 'x', value: 'y', codec: 'none' }])
// @ts-expect-error a codec that does not exist
await sublevel.put('x', 'y', { codec: 'snappy' })
const cache = new TensorCache(sublevel, { model: 'm', dtype: 'f32', layers: 1, shape: [256], seqAxis: 0, maxBytes: 1e6 })
const layers: Float32Array[] | undefined = (await cache.getPrefix([1]))?.layers
export { found, layers }
// Declarations name the types of what a library returns. They must be exported.
export const parts = () => [db.backend, db.gc, db.wal, db.recovery, db.stats(), cache.stats()] as const
`
  )
  write(
    'tsconfig.json',
    JSON.stringify({
      compilerOptions: {
        module: 'nodenext',
        target: 'es2022',
        lib: ['es2023', 'esnext.disposable'],
        strict: true,
        noEmit: true,
        declaration: true,
        types: ['node'],
        typeRoots: [join(root, 'node_modules/@types')]
      },
      include: ['user.mts']
    })
  )

  write(
    'blobs.mjs',
    `import { CompressedKvStore } from 'compressed-kv'\nimport { BlobStore } from 'compressed-kv/blobs'\nimport { Level } from 'level'\n
const blobs = new BlobStore(new CompressedKvStore(new Level(process.argv[2])))
await blobs.putBlob('key', Buffer.alloc(1_000_000, 'compressible '))
let length = 0
for await (const chunk of await blobs.getBlob('key')) length += chunk.length
console.log(length, 'bytes of a blob')
`
  )

  // A store that kept the process alive would run into the time limit.
  console.log('esm:', run(process.execPath, 'esm.mjs', 'db-esm').trim())
  console.log('blobs:', run(process.execPath, 'blobs.mjs', 'db-blobs').trim())
  console.log('require:', run(process.execPath, 'cjs.cjs', 'db-cjs').trim())
  // Into one CommonJS file, but for LevelDB, whose binary is found from where its own files are.
  const bundling = ['--bundle', '--platform=node', '--external:level', '--log-level=error', '--outfile=bundle.cjs']
  run('npx', '--no-install', 'esbuild', 'esm.mjs', ...bundling)
  console.log('bundled:', run(process.execPath, 'bundle.cjs', 'db-bundle').trim())
  write(
    'webpack.mjs',
    `import webpack from 'webpack'
const output = { path: import.meta.dirname, filename: 'webpack.cjs' }
webpack({ mode: 'production', target: 'node', entry: './esm.mjs', externals: { level: 'commonjs level' }, output }, (error, stats) => {
  if (error !== null || stats.hasErrors()) throw error ?? new Error(stats.toString())
})
`
  )
  run(process.execPath, 'webpack.mjs')
  console.log('bundled by webpack:', run(process.execPath, 'webpack.cjs', 'db-webpack').trim())
  // The files that a server needs, gathered as Next.js and Nitro do, in a place without the others.
  write(
    'gather.mjs',
    `import { nodeFileTrace } from '@vercel/nft'\nimport { cpSync } from 'node:fs'\nimport { join } from 'node:path'\n
const { fileList } = await nodeFileTrace(['esm.mjs'])
for (const file of fileList) cpSync(file, join(process.argv[2], file))
if (![...fileList].some(file => file.endsWith('@mongodb-js/zstd/bindings.js'))) throw new Error('@mongodb-js/zstd is missing')
`
  )
  run(process.execPath, 'gather.mjs', gathered)
  console.log('gathered:', run(process.execPath, join(gathered, 'esm.mjs'), 'db-gathered').trim())
  if (run(process.execPath, 'tensors.mjs').trim() !== '1,2,3,4,5,6') throw new Error('not the tensor that was put')
  run(process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json')
  console.log('typescript: no errors')
  console.log('README and docs: TypeScript of', checkDocuments(root, project), 'sections compiled and run')

  // npm refuses a version of Keyv that the package does not allow.
  run('npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', `keyv@${versionOf('keyv-6')}`)
  run(process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '-p', 'documents/tsconfig.json')
  console.log('Keyv 6: installed, no errors')

  const help = run('npx', '--no-install', 'ckv', '--help')
  if (!help.includes('estimate')) throw new Error('ckv --help lists no commands')
  const { values, byCodec } = JSON.parse(run('npx', '--no-install', 'ckv', 'stats', 'db-esm', '--json'))
  if (values !== 1 || byCodec[0].codec !== 'zstd') throw new Error('ckv stats does not see what was stored')
  console.log('ckv: stats of', values, 'value')
} finally {
  for (const directory of [project, gathered]) rmSync(directory, { recursive: true, force: true })
}
