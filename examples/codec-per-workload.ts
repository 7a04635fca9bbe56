// One database, several kinds of values: a codec for each by rule, by call and by a function, changed while data exists.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CodecRule, CompressedKvStore, type CompressedKvStoreOptions, zstd } from 'compressed-kv'
import { Level } from 'level'

const rules: CodecRule[] = [
  { prefix: 'session:', codec: 'lz4' }, // Read at every request: fast.
  { prefix: 'secret:', codec: 'none' }, // Encrypted: nothing to gain, so not tried.
  { sublevel: 'archive', codec: zstd({ level: 19 }) }, // Written once, hardly ever read: small.
  { codec: 'zstd' } // Everything else.
]

export async function main() {
  const directory = mkdtempSync(join(tmpdir(), 'ckv-example-'))
  const open = (codec: CompressedKvStoreOptions<string, string>['codec']): CompressedKvStore =>
    new CompressedKvStore(new Level(directory), { codec })
  try {
    const byRules = open(rules)
    const archive = byRules.sublevel('archive')
    await byRules.put('session:1', text('visited /docs', 300))
    await byRules.put('secret:1', randomBytes(3000).toString('base64'))
    await archive.put('2019', text('order shipped', 4000))
    await byRules.put('page:home', text('<li>Documentation</li>', 500))
    await byRules.put('page:live', text('<li>Now playing</li>', 500), { codec: 'lz4' }) // This once.
    const first = await report('by rules, and one by call', byRules)
    await byRules.close()

    // The same database with other settings: what was written before carries its codec with it.
    const bySelector = open((_key, value) => (value.length > 16_384 ? zstd({ level: 9 }) : 'lz4'))
    await bySelector.put('page:about', text('<p>About us</p>', 300))
    await bySelector.put('page:manual', text('<p>The manual</p>', 3000))
    const second = await report('by a selector', bySelector)

    const values = await bySelector.values().all()
    console.log(`readable at the end: ${values.length} values, ${new Set(values).size} of them different`)
    await bySelector.close()
    return { first, second, values }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function report(title: string, db: CompressedKvStore) {
  await db.flush() // Values are compressed when they move from the log to the database.
  const { byCodec } = db.stats().written
  for (const [name, { values, bytesIn, bytesStored }] of Object.entries(byCodec)) {
    console.log(`${title}: ${values} with ${name}, ${bytesIn} bytes stored in ${bytesStored}`)
  }
  return byCodec
}

function text(line: string, lines: number): string {
  return Array.from({ length: lines }, (_, n) => `${n} ${line}\n`).join('')
}

if (import.meta.filename === realpathSync(process.argv[1] ?? '.')) await main()
