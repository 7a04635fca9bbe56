/**
 * What the README's TypeScript takes for granted, by the heading of its section: a database under the store, a value, what else it names. The
 * first block stands on its own, and so needs nothing.
 */
export const PREAMBLES = {
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
  'A write-ahead log': `
import { CompressedKvStore } from 'compressed-kv'
import { MemoryLevel } from 'memory-level'
interface Order { items: string[] }
const event = { name: 'Ada' }
// A follower waits for what comes, until the log is closed.
const handle = (_key: Uint8Array, _value: Uint8Array | undefined) => void wal.close()
`,
  'Small values': `
import { CompressedKvStore } from 'compressed-kv'
import { Level } from 'level'
const level = new Level('small-values')
`,
  'When the data are mixed': `
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
import { Keyv } from 'keyv'
import { Level } from 'level'
const db = new CompressedKvStore(new Level('keyv'))
`
}
