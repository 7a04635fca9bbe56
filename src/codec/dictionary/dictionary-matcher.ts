import type { WasmInstance } from '../../wasm/assembler.js'
import type { Steps } from '../steps.js'
import { wasmInstances } from '../wasm-instances.js'
import {
  COUNT_SHIFT,
  LITERAL_BYTES_MASK,
  LITERAL_LENGTHS,
  LITERALS,
  LONG_BYTES,
  MATCH_LENGTHS,
  MATCHER_FUNCTIONS,
  type MatcherFunctions,
  MAX_INDEXED_BYTES,
  MAX_SEQUENCES,
  MAX_VALUE_BYTES,
  MEMORY_BYTES,
  OFFSET_VALUES,
  VALUE_TABLES_BYTES,
  WINDOW
} from './matcher-functions.js'

/** The stamp (see {@link MatcherFunctions.parse}) grows from value to value up to here, and then begins at 0 again. */
const MAX_STAMP = 2 ** 24
const BYTES_PER_STEP = 4 * 1024

/** A value as Zstandard writes it: sequences of literals and a match, and the literals at its end. */
export interface Sequences {
  readonly count: number
  readonly literalLengths: Uint16Array
  readonly matchLengths: Uint16Array
  /** Offset + 3, or 1 to 3 for one of the last three used (RFC 8878, 3.1.1.5). */
  readonly offsetValues: Uint32Array
  readonly literalBytes: number
  readonly literals: Uint8Array
}

/** Makes an instance for a matcher that is used without an encoder. Its parameter is the number of bytes of the content. */
const matcherInstance = wasmInstances<MatcherFunctions>('A dictionary', MATCHER_FUNCTIONS, MEMORY_BYTES)

/** Finds matches for values, in the values themselves and in a dictionary's content. It has memory of its own: about 400 KiB and the content. */
export class DictionaryMatcher {
  readonly #functions: MatcherFunctions
  readonly #memory: Uint8Array
  readonly #repeatOffsets: readonly [number, number, number]
  /** Where values begin: after the content. */
  readonly #begin: number
  readonly #sequences: Sequences & { count: number; literalBytes: number }
  /** See {@link MatcherFunctions.parse}. */
  #stamp = 0

  private constructor(
    content: Uint8Array,
    repeatOffsets: readonly [number, number, number],
    functions: WasmInstance<MatcherFunctions>
  ) {
    const { buffer } = functions.memory
    this.#functions = functions
    this.#memory = new Uint8Array(buffer)
    this.#memory.set(content, WINDOW)
    this.#repeatOffsets = repeatOffsets
    this.#begin = WINDOW + content.length
    this.#sequences = {
      count: 0,
      literalLengths: new Uint16Array(buffer, LITERAL_LENGTHS, MAX_SEQUENCES),
      matchLengths: new Uint16Array(buffer, MATCH_LENGTHS, MAX_SEQUENCES),
      offsetValues: new Uint32Array(buffer, OFFSET_VALUES, MAX_SEQUENCES),
      literalBytes: 0,
      literals: new Uint8Array(buffer, LITERALS, MAX_VALUE_BYTES)
    }
  }

  /**
   * @param content at least {@link LONG_BYTES}. It is copied
   * @param repeatOffsets the offsets that count as used last before a value, at most as large as the content
   * @param functions an instance that has {@link MEMORY_BYTES} of memory and room for the content. FREE is left alone
   * @throws LEVEL_NOT_SUPPORTED if WebAssembly is switched off, or gets no memory
   */
  static *create(
    content: Uint8Array,
    repeatOffsets: readonly [number, number, number],
    functions: WasmInstance<MatcherFunctions> = matcherInstance(content.length)
  ): Steps<DictionaryMatcher> {
    const matcher = new DictionaryMatcher(content, repeatOffsets, functions)
    const end = WINDOW + Math.min(content.length - LONG_BYTES + 1, MAX_INDEXED_BYTES)
    for (let at = WINDOW; at < end; at += BYTES_PER_STEP) {
      matcher.#functions.index(at, Math.min(at + BYTES_PER_STEP, end))
      yield
    }
    return matcher
  }

  /**
   * @param value at most {@link MAX_VALUE_BYTES}
   * @returns views of memory that the next call overwrites
   */
  parse(value: Uint8Array): Sequences {
    const begin = this.#begin
    const [offset1, offset2, offset3] = this.#repeatOffsets
    this.#memory.set(value, begin)
    const found = this.#functions.parse(begin, begin + value.length, this.#stamp, offset1, offset2, offset3)
    this.#forgetValue(value.length)
    this.#sequences.count = found >>> COUNT_SHIFT
    this.#sequences.literalBytes = found & LITERAL_BYTES_MASK
    return this.#sequences
  }

  #forgetValue(bytes: number): void {
    this.#stamp += bytes
    if (this.#stamp < MAX_STAMP) return
    this.#stamp = 0
    this.#memory.fill(0, 0, VALUE_TABLES_BYTES)
  }
}
