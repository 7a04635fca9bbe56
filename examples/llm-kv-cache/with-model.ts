import { basename, dirname, join } from 'node:path'
import type { CompressedKvStore } from 'compressed-kv'
import { TensorCache } from 'compressed-kv/tensor-cache'
import { readCheckpoint } from './checkpoint.js'
import { generate, type Generation } from './generation.js'
import { Llama } from './llama.js'
import { Tokenizer } from './tokenizer.js'

/** Words that a model of children's stories knows. Every prompt begins with it, as it would with a system prompt. */
const STORY =
  `Once upon a time, there was a little girl named Lily. She lived in a small house near a big forest with her mom, her dad and her
dog, Max. Every morning, Lily and Max went to the garden to play. They liked to run, to jump and to look at the red and yellow flowers.
One day, they saw a little bird under the tree. The bird was sad, because it could not fly. Lily said, "Do not be sad, little bird. We will
help you." She took the bird in her hands and ran home to her mom. Her mom gave the bird some water and some bread. The bird was very happy.
It sang a song, and Lily, her mom and Max were happy too. The next day, the bird could fly again. It flew up to the top of the big tree,
and then it came back to Lily to say thank you. From that day on, the bird and Lily and Max were the best of friends.`.replaceAll(
    '\n',
    ' '
  )

/** The first question is asked before the restart, the second after it. */
const QUESTIONS = ['Then Tom came to the house. He', 'In the night, the bird']

/** How often the second question is asked with the cache and without, in turns: the median counts. */
const ROUNDS = 5

interface ModelOptions {
  readonly checkpoint: string
  /** @default tokenizer.bin beside the checkpoint */
  readonly tokenizer?: string | undefined
  /** Tokens that both prompts share. */
  readonly prefixTokens: number
  /** Tokens of a chunk. */
  readonly chunkTokens: number
  /** Tokens that are generated. */
  readonly length: number
}

interface ModelResult {
  readonly prefixTokens: number
  readonly promptTokens: number
  /** Tokens of the second prompt that were not computed again. */
  readonly reusedTokens: number
  readonly identical: boolean
  readonly msWithout: number
  readonly msWith: number
  readonly bytesRaw: number
  readonly bytesStored: number
}

/** Asks once, restarts, and asks something else that begins in the same way, with the cache and without. @param open opens the store; called twice */
export async function runModel(
  open: () => CompressedKvStore<string, Buffer>,
  {
    checkpoint,
    tokenizer: tokenizerFile = join(dirname(checkpoint), 'tokenizer.bin'),
    prefixTokens,
    chunkTokens,
    length
  }: ModelOptions
): Promise<ModelResult> {
  const weights = readCheckpoint(checkpoint)
  const { config } = weights
  const model = new Llama(weights)
  const tokenizer = new Tokenizer(tokenizerFile, config.vocabulary)
  const prefix = tokenizer.encode(STORY).slice(0, prefixTokens)
  const [first, second] = QUESTIONS.map(question => [...prefix, ...tokenizer.encode(question).slice(1)]) as [
    number[],
    number[]
  ]
  if (Math.max(first.length, second.length) + length > config.context) {
    throw new Error(
      `The prompts and ${length} tokens more do not fit into the model's context of ${config.context}: lower --prefix`
    )
  }

  const cacheIn = (db: CompressedKvStore<string, Buffer>) => {
    const shape = [chunkTokens, config.kvHeads, config.headSize]
    // Keys and values are separate tensors.
    const layers = 2 * config.layers
    return new TensorCache(db, { model: basename(checkpoint), dtype: 'f32', layers, shape, seqAxis: 0, maxBytes: 1e9 })
  }

  const db = open()
  const cache = cacheIn(db)
  await ask(model, cache, first, length)
  await db.flush()
  const { bytesStored } = db.stats().written
  await cache.flush()
  await db.close()

  const restarted = open()
  await restarted.open()
  const without: Generation[] = []
  const reused: (Generation & { reusedTokens: number })[] = []
  for (let round = 0; round < ROUNDS; round++) {
    without.push(generate(model, second, model.newState(), 0, length))
    reused.push(await ask(model, cacheIn(restarted), second, length))
  }
  await restarted.close()

  const [expected] = without
  console.log(`...${tokenizer.decode(second.slice(-12))} |${tokenizer.decode(expected!.tokens)}...`)
  return {
    prefixTokens: prefix.length,
    promptTokens: second.length,
    reusedTokens: reused[0]!.reusedTokens,
    identical: reused.every(({ tokens }) => tokens.join() === expected!.tokens.join()),
    msWithout: medianMs(without),
    msWith: medianMs(reused),
    bytesRaw: 2 * config.layers * (first.length - (first.length % chunkTokens)) * config.kvHeads * config.headSize * 4,
    bytesStored
  }
}

/** Takes from the cache what that has of the prompt, computes the rest, and puts it into the cache. */
async function ask(
  model: Llama,
  cache: TensorCache<'f32'>,
  prompt: readonly number[],
  length: number
): Promise<Generation & { reusedTokens: number }> {
  const start = performance.now()
  const state = model.newState()
  const tensors = state.keys.flatMap((keys, layer) => [keys, state.values[layer]!])
  // The last token has to be computed in any case: what comes next is not cached.
  const cached = await cache.getPrefix(prompt.slice(0, -1))
  for (const [i, tensor] of (cached?.layers ?? []).entries()) tensors[i]!.set(tensor)
  const reusedTokens = cached?.tokens ?? 0
  const loadMs = performance.now() - start
  const { tokens, firstTokenMs } = generate(model, prompt, state, reusedTokens, length)
  await cache.putPrefix(prompt, tensors)
  return { tokens, firstTokenMs: loadMs + firstTokenMs, reusedTokens }
}

function medianMs(generations: readonly Generation[]): number {
  const sorted = generations.map(({ firstTokenMs }) => firstTokenMs).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
