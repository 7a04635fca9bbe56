/**
 * What the TypeScript of a document takes for granted, by the heading of its section: a database under the store, a value, what else it names. The
 * first block of the README stands on its own, and so needs nothing. Each database has a name of its own: all run in one process, and LevelDB locks a
 * database by the path that it is given.
 */
const README = {
  Options: `
import { promisify } from 'node:util'
import { deflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib'
import { Level } from 'level'
const level = new Level<string, object>('options', { valueEncoding: 'json' })
const state = { text: 'compressible '.repeat(1000) }
const compress = promisify(deflateRaw)
const compressSync = deflateRawSync
const decompressSync = (data: Uint8Array, maxOutputLength: number) => inflateRawSync(data, { maxOutputLength })
const decompress = async (data: Uint8Array, maxOutputLength: number) => decompressSync(data, maxOutputLength)
`,
  'Existing data, and the way back': `
import { CompressedKvStore } from 'compressed-kv'
import { Level } from 'level'
const db = new CompressedKvStore(new Level('existing'))
`,
  Durability: `
import { CompressedKvStore } from 'compressed-kv'
interface Order { items: string[] }
`,
  'The log alone': `
const event = { name: 'Ada' }
// A follower waits for what comes, until the log is closed.
const handle = (_key: Uint8Array, _value: Uint8Array | undefined) => void wal.close()
`,
  'Small values': `
import { CompressedKvStore } from 'compressed-kv'
import { Level } from 'level'
const level = new Level('small-values')
`,
  'Mixed data': `
import { CompressedKvStore } from 'compressed-kv'
import { Level } from 'level'
const level = new Level('mixed-data')
`,
  Tensors: `
import { CompressedKvStore } from 'compressed-kv'
import { Level } from 'level'
const level = new Level('tensors')
const tokens = Array.from({ length: 256 }, (_, i) => i)
const layers = Array.from({ length: 32 }, () => new Uint16Array(8 * tokens.length * 128))
`,
  'Blobs and files': `
import { writeFileSync } from 'node:fs'
import { CompressedKvStore } from 'compressed-kv'
import { Level } from 'level'
const db = new CompressedKvStore(new Level('blobs'))
writeFileSync('state.bin', 'compressible '.repeat(100_000))
`,
  Sweeps: `
import { CompressedKvStore } from 'compressed-kv'
import { Level } from 'level'
const level = new Level('sweeps')
await level.put('from before', 'compressible '.repeat(1000))
const { signal } = new AbortController()
`,
  Keyv: `
import { CompressedKvStore } from 'compressed-kv'
import { Level } from 'level'
const db = new CompressedKvStore(new Level('keyv'))
`,
  TypeScript: `
import { CompressedKvStore as Store } from 'compressed-kv'
import { Level } from 'level'
interface Order { items: string[] }
const level = new Level<string, Order>('typescript', { valueEncoding: 'json' })
export const either: Orders[] = [level, new Store(level)]
`
}

const STORE = name => `
import { CompressedKvStore, tensor, ZstdGc } from 'compressed-kv'
import { Level } from 'level'
const level = new Level('docs-${name}')
`
const OPEN_STORE = name => `${STORE(name)}const db = new CompressedKvStore(level)\n`

export const PREAMBLES = {
  'README.md': README,
  'docs/log.md': { 'The write-ahead log, used alone': "const event = { name: 'Ada' }" },
  'docs/dictionary.md': { 'Dictionaries for small values': STORE('dictionaries') },
  'docs/tensors.md': { Tensors: STORE('tensors') },
  'docs/sweeps.md': {
    Sweeps: `${STORE('sweeps')}const { signal } = new AbortController()`,
    'A policy of your own': OPEN_STORE('policy')
  },
  'docs/tensor-cache.md': {
    TensorCache: `${OPEN_STORE('tensor-cache')}const tokens = Array.from({ length: 256 }, (_, i) => i)
const layers = Array.from({ length: 32 }, () => new Uint16Array(8 * tokens.length * 64))`
  },
  'docs/blobs.md': {
    Blobs: `${OPEN_STORE('blobs')}import { createWriteStream, writeFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
const request = Buffer.alloc(100_000, 'compressible ')
const response = createWriteStream('video')
writeFileSync('state.bin', 'compressible '.repeat(100_000))`,
    Memory: "import { Level } from 'level'"
  }
}
