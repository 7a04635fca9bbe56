import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import { Failure } from './failure.js'

/** The longest line that is read: each is held in memory as text. */
export const MAX_LINE_CHARACTERS = 256 * 1024 * 1024

/** The most bytes of UTF-8 for one unit of a string's length. */
const MAX_BYTES_PER_CHARACTER = 3

const NEWLINE = 0x0a

/** Some editors and shells begin a file with it. */
const BYTE_ORDER_MARK = '\ufeff'

/**
 * Lines of UTF-8 text. The stream is read no faster than they are taken.
 *
 * @throws Failure for the line that comes after those that were given
 */
export async function* inputLines(input: Readable): AsyncGenerator<string, void, undefined> {
  let pieces: Buffer[] = []
  let bytes = 0
  let isFirst = true
  for await (const chunk of input) {
    let rest = Buffer.from(chunk as Buffer | string)
    for (;;) {
      const end = rest.indexOf(NEWLINE)
      const piece = end < 0 ? rest : rest.subarray(0, end)
      pieces.push(piece)
      bytes += piece.length
      if (bytes > MAX_LINE_CHARACTERS * MAX_BYTES_PER_CHARACTER) throw tooLong()
      if (end < 0) break
      yield textOf(pieces, isFirst)
      isFirst = false
      pieces = []
      bytes = 0
      rest = rest.subarray(end + 1)
    }
  }
  if (bytes > 0) yield textOf(pieces, isFirst)
}

function textOf(pieces: readonly Buffer[], isFirst: boolean): string {
  const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  // Node.js would silently put another character in place of bytes that are not UTF-8.
  if (!isUtf8(bytes)) throw new Failure('not UTF-8: write keys and values that are not text as {"base64": "..."}')
  const text = decoded(bytes)
  if (text === undefined || text.length > MAX_LINE_CHARACTERS) throw tooLong()
  return isFirst && text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text
}

/** Undefined if the text is longer than a string can be, 512 Mi characters. */
function decoded(bytes: Buffer): string | undefined {
  try {
    return bytes.toString()
  } catch {
    return undefined
  }
}

function tooLong(): Failure {
  return new Failure(`longer than ${MAX_LINE_CHARACTERS} characters: store its value with 'ckv put'`)
}
