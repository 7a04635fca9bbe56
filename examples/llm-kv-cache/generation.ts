import type { KvState, Llama } from './llama.js'

export interface Generation {
  readonly tokens: number[]
  /** The time from the first token of the prompt that was computed to the first token that was generated. */
  readonly firstTokenMs: number
}

/** Continues a prompt, always with the likeliest token. @param computed how many tokens of the prompt `state` has already */
export function generate(
  model: Llama,
  prompt: readonly number[],
  state: KvState,
  computed: number,
  length: number
): Generation {
  const start = performance.now()
  let logits: Float32Array = new Float32Array()
  for (let at = computed; at < prompt.length; at++) logits = model.forward(prompt[at]!, at, state)
  const tokens = [likeliest(logits)]
  const firstTokenMs = performance.now() - start
  while (tokens.length < length) {
    tokens.push(likeliest(model.forward(tokens.at(-1)!, prompt.length + tokens.length - 1, state)))
  }
  return { tokens, firstTokenMs }
}

function likeliest(logits: Float32Array): number {
  return logits.reduce((best, logit, id) => (logit > logits[best]! ? id : best), 0)
}
