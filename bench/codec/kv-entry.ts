import type { DocumentSet } from '../documents/document.js'
import { cut, textSource } from '../documents/pieces.js'
import { gaussianBf16, randomBytes } from '../documents/seeded.js'
import { bitsPerByte } from '../harness/entropy.js'
import { inFlight } from '../harness/in-flight.js'
import { median } from '../harness/median.js'
import { ratioText, threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { CODECS, type CodecSetting } from './settings.js'

/** What a cache server keeps for one prompt and layer. */
const ENTRY_BYTES = 2 * 1024 * 1024

/** How often an entry is timed, unless that takes longer than {@link MAX_MILLISECONDS}. */
const REPEATS = 9
const MAX_MILLISECONDS = 300

/** The store's default: a value of which a smaller share is saved is kept raw. */
const MIN_SAVING = 0.1

interface Payload {
  readonly name: string
  readonly bytes: Buffer
}

/** Measures codecs with an entry of a language model's KV cache, of 2 MiB. What each does depends on what is in the entry. */
export async function benchKvEntry(report: Report, tensors: readonly DocumentSet[]): Promise<void> {
  report.section(
    'A 2 MiB entry of an LLM KV cache',
    'One call at a time, off the main thread, as the store does with values of that size. All is in memory, nothing is written.',
    'Bits per byte: order-0 entropy of the payload. raw: less than 10 % is saved, so that the store would keep the value raw.'
  )
  for (const { name, bytes } of payloads(tensors)) {
    const bits = bitsPerByte([bytes])
    report.line('')
    const rows: string[][] = []
    for (const setting of CODECS.slice(1)) {
      const { ratio, compress, decompress } = await measure(setting, bytes)
      const kept = ratio > 1 - MIN_SAVING ? 'raw' : 'compressed'
      rows.push([
        setting.name,
        ratioText(ratio),
        ...timeAndRate(compress, bytes),
        ...timeAndRate(decompress, bytes),
        kept
      ])
      report.record('codec KV entry', {
        payload: name,
        bytes: bytes.length,
        bitsPerByte: bits,
        codec: setting.name,
        ratio,
        compressMs: compress,
        decompressMs: decompress,
        kept
      })
    }
    const head = `${name}, ${bits.toFixed(2)} bits/byte`.padEnd(44)
    report.table([head, 'ratio', 'compress', 'MB/s', 'decompress', 'MB/s', 'kept'], rows)
  }
}

function payloads(tensors: readonly DocumentSet[]): Payload[] {
  const real = tensors.flatMap(({ documents }) =>
    documents.map(({ key, value }) => ({ name: `tensor, ${key}`, bytes: value }))
  )
  return [
    { name: 'random bytes', bytes: randomBytes(ENTRY_BYTES, 1) },
    { name: 'text and code', bytes: cut(textSource(), ENTRY_BYTES, 1)[0]! },
    ...(real.length > 0 ? real : [{ name: 'tensor, seeded Gaussian bf16', bytes: gaussianBf16(ENTRY_BYTES, 2) }])
  ]
}

async function measure({ codec }: CodecSetting, bytes: Buffer) {
  const start = performance.now()
  const compressed = await codec.compress(bytes)
  const firstCompress = performance.now() - start
  const restored = await codec.decompress(compressed, bytes.length)
  if (!bytes.equals(restored)) throw new Error(`${codec.name} did not restore what it compressed`)
  return {
    ratio: compressed.length / bytes.length,
    // A call that takes that long is timed only once.
    compress: firstCompress > MAX_MILLISECONDS ? firstCompress : await medianMilliseconds(() => codec.compress(bytes)),
    decompress: await medianMilliseconds(() => codec.decompress(compressed, bytes.length))
  }
}

async function medianMilliseconds(call: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  const begin = performance.now()
  await inFlight(REPEATS, 1, async () => {
    if (times.length > 0 && performance.now() - begin > MAX_MILLISECONDS) return
    const start = performance.now()
    await call()
    times.push(performance.now() - start)
  })
  return median(times)
}

function timeAndRate(milliseconds: number, { length }: Buffer): [string, string] {
  return [`${threeDigits(milliseconds)} ms`, threeDigits(length / 1e3 / milliseconds)]
}
