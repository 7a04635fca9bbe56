import { readFileSync } from 'node:fs'

/** The token that begins every sequence. */
const BOS = 1
/** Tokens that stand for single bytes begin here. */
const BYTES_AT = 3

/** Text to tokens and back, by llama2.c's tokenizer.bin: a u32, then for each token its score (f32), length (i32) and text. */
export class Tokenizer {
  readonly #texts: string[] = []
  readonly #scores: number[] = []
  readonly #ids = new Map<string, number>()

  constructor(file: string, vocabulary: number) {
    const bytes = readFileSync(file)
    let at = 4
    for (let id = 0; id < vocabulary; id++) {
      const length = bytes.readInt32LE(at + 4)
      const text = bytes.toString('utf8', at + 8, at + 8 + length)
      this.#scores.push(bytes.readFloatLE(at))
      this.#texts.push(text)
      if (!this.#ids.has(text)) this.#ids.set(text, id)
      at += 8 + length
    }
  }

  /** Begins with a token for each character, or for each of its bytes if it has none, and merges the pair with the best score until there is none. */
  encode(text: string): number[] {
    const tokens = Array.from(` ${text}`).flatMap(character => {
      const id = this.#ids.get(character)
      return id === undefined ? [...Buffer.from(character)].map(byte => BYTES_AT + byte) : [id]
    })
    for (;;) {
      let best = { at: -1, id: 0, score: -Infinity }
      for (let at = 0; at + 1 < tokens.length; at++) {
        const id = this.#ids.get(this.#texts[tokens[at]!]! + this.#texts[tokens[at + 1]!]!)
        if (id !== undefined && this.#scores[id]! > best.score) best = { at, id, score: this.#scores[id]! }
      }
      if (best.at < 0) return [BOS, ...tokens]
      tokens.splice(best.at, 2, best.id)
    }
  }

  decode(tokens: readonly number[]): string {
    const parts = tokens.map(id => {
      const byte = /^<0x([\dA-F]{2})>$/.exec(this.#texts[id]!)
      return byte === null ? Buffer.from(this.#texts[id]!) : Buffer.from(byte[1]!, 'hex')
    })
    return Buffer.concat(parts).toString()
  }
}
