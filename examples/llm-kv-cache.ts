// A language model that does not compute a prompt's beginning twice, not even after a restart: its keys and values are cached by layer and
// chunk of tokens. With --checkpoint FILE it is a real one, in the layout of llama2.c.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CompressedKvStore } from 'compressed-kv'
import { Level } from 'level'
import { runModel } from './llm-kv-cache/with-model.js'
import { runWithoutModel } from './llm-kv-cache/without-model.js'

const OPTIONS = {
  checkpoint: { type: 'string' },
  tokenizer: { type: 'string' },
  prefix: { type: 'string', default: '256' },
  chunk: { type: 'string', default: '256' },
  length: { type: 'string', default: '64' }
} as const

/** @param args `--checkpoint FILE [--tokenizer FILE] [--prefix TOKENS] [--chunk TOKENS] [--length TOKENS]`; without a checkpoint there is no model */
export async function main(args: string[] = []) {
  const { checkpoint, tokenizer, prefix, chunk, length } = parseArgs({ args, options: OPTIONS }).values
  const directory = mkdtempSync(join(tmpdir(), 'ckv-example-'))
  const open = () => new CompressedKvStore(new Level<string, Buffer>(directory, { valueEncoding: 'buffer' }))
  try {
    if (checkpoint === undefined) {
      console.log('No --checkpoint: these are seeded Gaussian tensors, no model is run')
      const noise = await runWithoutModel(open)
      const { reusedTokens, identical, bytesRaw, bytesStored } = noise
      console.log(
        `after a restart: keys and values of ${reusedTokens} tokens, ${identical ? 'identical bit for bit' : 'NOT identical'}`
      )
      console.log(bytesText(bytesRaw, bytesStored))
      return noise
    }
    const sizes = { prefixTokens: Number(prefix), chunkTokens: Number(chunk), length: Number(length) }
    const model = await runModel(open, { checkpoint, tokenizer, ...sizes })
    const { promptTokens, reusedTokens, identical, msWithout, msWith, bytesRaw, bytesStored } = model
    console.log(
      `continuation with the cache, after a restart: ${identical ? 'identical token for token' : 'NOT identical'}`
    )
    console.log(`${reusedTokens} of ${promptTokens} tokens were not computed again`)
    const times = (msWithout / msWith).toFixed(1)
    console.log(
      `first token after ${msWithout.toFixed(1)} ms without the cache, ${msWith.toFixed(1)} ms with it: ${times} times faster`
    )
    console.log(bytesText(bytesRaw, bytesStored))
    return model
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function bytesText(raw: number, stored: number): string {
  return `${raw} bytes of keys and values, stored in ${stored} (ratio ${(stored / raw).toFixed(3)})`
}

if (import.meta.filename === realpathSync(process.argv[1] ?? '.')) await main(process.argv.slice(2))
