// State files of an engine such as llama.cpp, kept in a store: byte for byte the same after a restart, and refused to another model.
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompressedKvStore } from 'compressed-kv'
import { BlobStore } from 'compressed-kv/blobs'
import { Level } from 'level'

const MODEL = 'tiny-llama@1f0c'

/** Options for files of gigabytes: LevelDB maps only 64 MiB of its own files into memory. By default it maps all tables that it reads, up to 2 GB. */
const FEW_MAPPED = { maxOpenFiles: 74, maxFileSize: 1024 * 1024 }

/** @param tokens length of the context whose state is saved. Default 512: 2 MiB */
export async function main([tokens = '512']: string[] = []) {
  const directory = mkdtempSync(join(tmpdir(), 'ckv-example-'))
  try {
    const [saved, restored] = [join(directory, 'state.bin'), join(directory, 'restored.bin')]
    saveStateToFile(saved, Number(tokens))

    const db = new CompressedKvStore(new Level(join(directory, 'db'), FEW_MAPPED), { codec: 'zstd' })
    const { length, llamaState } = await new BlobStore(db).putFile('chat:7', saved, { model: MODEL })
    console.log(`${length} bytes in, a ${llamaState?.kind} of ${llamaState?.tokens} tokens`)
    await db.close()

    const again = new CompressedKvStore(new Level(join(directory, 'db'), FEW_MAPPED))
    const blobs = new BlobStore(again)
    const refused = await blobs.getFile('chat:7', restored, { model: 'other@1' }).catch((error: Error) => error)
    console.log(`another model: ${(refused as Error).message}`)
    await blobs.getFile('chat:7', restored, { model: MODEL }) // An engine would load it now.
    const identical = readFileSync(restored).equals(readFileSync(saved))
    console.log(`after a restart: ${identical ? 'identical' : 'not identical'}, byte for byte`)

    let head = 0
    for await (const bytes of (await blobs.getBlob('chat:7', { end: 12, model: MODEL }))!)
      head += (bytes as Buffer).length
    console.log(`${head} bytes of it read alone`)
    await again.close()
    return { length, llamaState, refused, identical, head }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Stands for the engine's own function: writes the header of llama.cpp's sequence files, tokens, and f16 numbers that are made from a seed. */
function saveStateToFile(path: string, tokens: number): void {
  const header = Uint32Array.of(0x67677371, 3, tokens, ...Array.from({ length: tokens }, (_, i) => (i * 7919) % 32000))
  let state = 1
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5
  // The numbers are small, as keys and values are: their exponents differ little, their fractions are noise.
  const numbers = Uint16Array.from(
    { length: tokens * 2048 },
    () => 0x3000 | ((random() > 0 ? 1 : 0) << 15) | (random() * 4096)
  )
  writeFileSync(path, Buffer.concat([Buffer.from(header.buffer), Buffer.from(numbers.buffer)]))
}

if (import.meta.filename === realpathSync(process.argv[1] ?? '.')) await main(process.argv.slice(2))
