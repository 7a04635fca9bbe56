import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { Failure } from './failure.js'

/** A line is held in memory as text. */
export const MAX_LINE_CHARACTERS = 256 * 1024 * 1024

/** Lines of UTF-8 text. The stream is read no faster than they are taken. */
export async function* inputLines(input: Readable): AsyncGenerator<string, void, undefined> {
  const decoder = new StringDecoder('utf8')
  let pieces: string[] = []
  let characters = 0
  for await (const chunk of input) {
    const text = typeof chunk === 'string' ? chunk : decoder.write(chunk as Buffer)
    const parts = text.split('\n')
    for (const [i, part] of parts.entries()) {
      pieces.push(part)
      characters += part.length
      if (characters > MAX_LINE_CHARACTERS) throw new Failure(`a line is longer than ${MAX_LINE_CHARACTERS} characters`)
      if (i === parts.length - 1) break
      yield pieces.join('')
      pieces = []
      characters = 0
    }
  }
  const last = pieces.join('') + decoder.end()
  if (last !== '') yield last
}
