import { join } from 'node:path'
import type { CodecName } from 'compressed-kv'
import { writeDocumentFile } from './blob/document-file.js'
import type { LevelOptions, RoundTripReply, RoundTripRequest, Way } from './blob/round-trip-child.js'
import { bitsPerByte } from './harness/entropy.js'
import { bytesText, megabytesPerSecond, ratioText, threeDigits } from './harness/number-text.js'
import type { Report } from './harness/report.js'
import { inTemporaryDirectory } from './harness/temporary-directory.js'
import { askChild } from './wal/child.js'

const CHILD = new URL('./blob/round-trip-child.js', import.meta.url)
const MIB = 1024 * 1024
const FILE_BYTES = 256 * MIB
const FULL_FILE_BYTES = 3 * 1024 * MIB
/** How many MiB a blob may add to the resident memory of the process. */
const RSS_BAR = 128

/** How a process is set up: options of LevelDB and environment variables. */
interface Setting {
  readonly name: string
  readonly level: LevelOptions
  readonly env: Readonly<Record<string, string>>
}

const AS_IT_COMES: Setting = { name: '', level: {}, env: {} }
/** What docs/blobs.md recommends where memory matters. */
const LITTLE_MEMORY: Setting = {
  name: ', little memory',
  level: { maxOpenFiles: 74, maxFileSize: MIB },
  env: { MALLOC_ARENA_MAX: '1' }
}

interface Contender {
  readonly name: string
  /** Undefined for a plain copy. */
  readonly codec: CodecName | undefined
  readonly setting: Setting
}

const CONTENDERS: readonly Contender[] = [
  { name: 'plain copy', codec: undefined, setting: AS_IT_COMES },
  ...(['none', 'lz4', 'zstd'] as const).flatMap(codec =>
    [AS_IT_COMES, LITTLE_MEMORY].map(setting => ({ name: `blob, ${codec}${setting.name}`, codec, setting }))
  )
]

/** Puts a file into a store and gets it out again, beside a plain copy. */
export async function benchBlob(report: Report, corpus?: string, full = false): Promise<void> {
  const bytes = full ? FULL_FILE_BYTES : FILE_BYTES
  await inTemporaryDirectory(async directory => {
    const file = join(directory, 'file')
    const sample = await writeDocumentFile(file, bytes, corpus)
    report.section(
      `A file of ${bytesText(bytes)} as a blob over classic-level`,
      `The file is of documents one after another, ${bitsPerByte([sample]).toFixed(2)} bits per byte. The store has its default options. in: putFile and flush; out: getFile, which`,
      "checks the SHA-256 and syncs. 'copy': createReadStream into a file, and fsync. Each line is one run in a process of its own, with the file in the page",
      'cache. RSS: by how much it grew at most; of that, own is memory of the process, and mapped are pages of files, which the system takes back when it needs them.',
      `'little memory': new Level(location, ${JSON.stringify(LITTLE_MEMORY.level)}), and ${JSON.stringify(LITTLE_MEMORY.env)} in the environment.`
    )
    const rows: string[][] = []
    const bars: (() => void)[] = []
    let copied: RoundTripReply | undefined
    for (const { name, codec, setting } of CONTENDERS) {
      const request: RoundTripRequest = { file, codec, level: setting.level }
      const reply = await askChild<RoundTripReply>(CHILD, [], request, setting.env)
      copied ??= reply
      rows.push([
        name,
        ratioText(reply.bytesStored / bytes),
        ...cells(bytes, reply.put, copied.put),
        ...cells(bytes, reply.get, copied.get)
      ])
      record(report, name, bytes, reply)
      if (codec !== undefined) {
        bars.push(() => {
          for (const way of ['put', 'get'] as const) {
            const { rss, anonymous } = reply[way].grew
            report.bar(`${name}, ${way}, RSS grew by MiB`, rss / MIB, '<=', RSS_BAR)
            if (anonymous !== undefined) report.bar(`  of its own`, anonymous / MIB, '<=', RSS_BAR)
          }
        })
      }
    }
    report.line('')
    report.table(
      ['', 'stored', 'in MB/s', '/ copy', 'RSS', 'own', 'mapped', 'out MB/s', '/ copy', 'RSS', 'own', 'mapped'],
      rows
    )
    report.line('')
    for (const print of bars) print()
  })
}

function cells(bytes: number, { milliseconds, grew }: Way, copied: Way): string[] {
  const memory = [grew.rss, grew.anonymous, grew.mapped]
  return [
    threeDigits(megabytesPerSecond(bytes, milliseconds)),
    ratioText(copied.milliseconds / milliseconds),
    ...memory.map(value => (value === undefined ? '-' : bytesText(value)))
  ]
}

function record(report: Report, contender: string, bytes: number, { put, get, bytesStored }: RoundTripReply): void {
  for (const [direction, { milliseconds, grew }] of [
    ['in', put],
    ['out', get]
  ] as const) {
    report.record('blob', {
      contender,
      direction,
      bytes,
      bytesStored,
      milliseconds,
      rss: grew.rss,
      anonymous: grew.anonymous ?? null,
      mapped: grew.mapped ?? null
    })
  }
}
