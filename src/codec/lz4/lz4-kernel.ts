import { corruption } from '../../errors.js'
import { wasmInstances } from '../wasm-instances.js'
import {
  BLOCK,
  CHAIN,
  dictionaryHash,
  HEADS,
  LZ4_FUNCTIONS,
  type Lz4Functions,
  MAX_BLOCK_BYTES,
  MAX_OFFSET,
  MAX_VALUE_BYTES,
  MEMORY_BYTES,
  tableBits,
  WINDOW
} from './lz4-functions.js'

/** The length of the size in front of a block, in the form `sized`. */
export const SIZE_BYTES = 4
const NO_DICTIONARY = Buffer.alloc(0)

const instance = wasmInstances<Lz4Functions>('LZ4 in WebAssembly', LZ4_FUNCTIONS, MEMORY_BYTES)

let shared: Lz4Kernel | undefined
let tried = false

/** The kernel without a dictionary, which all share: use it within one call. Undefined if {@link kernelWith} gives none. */
export function sharedKernel(): Lz4Kernel | undefined {
  if (!tried) shared = kernelWith(NO_DICTIONARY)
  tried = true
  return shared
}

/**
 * @returns undefined if WebAssembly is switched off (`node --jitless`), or gets no memory: V8 reserves 10 GiB of addresses for each kernel, which a
 *   limit (`ulimit -v`) may not allow
 */
export function kernelWith(dictionary: Uint8Array): Lz4Kernel | undefined {
  try {
    return new Lz4Kernel(dictionary)
  } catch {
    return undefined
  }
}

/** LZ4 blocks of values up to {@link MAX_VALUE_BYTES}, written and read on the calling thread in memory of its own, about 470 KiB. */
export class Lz4Kernel {
  readonly #functions: Lz4Functions
  readonly #encode: Lz4Functions['encode']
  readonly #memory: Buffer
  /** Where values begin: after the dictionary. */
  readonly #base: number

  /**
   * @param dictionary blocks may refer to its last {@link MAX_OFFSET} bytes, which are copied
   * @throws LEVEL_NOT_SUPPORTED if WebAssembly is switched off, or gets no memory
   */
  constructor(dictionary: Uint8Array = NO_DICTIONARY) {
    const functions = instance(0)
    this.#functions = functions
    this.#memory = Buffer.from(functions.memory.buffer)
    const reached = dictionary.subarray(Math.max(0, dictionary.length - MAX_OFFSET))
    this.#base = WINDOW + reached.length
    this.#encode = reached.length === 0 ? functions.encode : functions.encodeWithDictionary
    this.#memory.set(reached, WINDOW)
    this.#indexDictionary()
  }

  #indexDictionary(): void {
    const memory = this.#memory
    for (let at = WINDOW; at + 4 <= this.#base; at++) {
      const head = HEADS + 2 * dictionaryHash(memory.readInt32LE(at))
      const place = at - WINDOW
      memory.writeUInt16LE(memory.readUInt16LE(head), CHAIN + 2 * place)
      memory.writeUInt16LE(place + 1, head)
    }
  }

  /**
   * @param value at most {@link MAX_VALUE_BYTES}
   * @param form `sized` is a block with the value's length in front, a u32
   * @throws RangeError for a longer value, whose places would not fit 16 bits
   */
  compress(value: Uint8Array, form: 'block' | 'sized'): Buffer {
    const end = this.#encodeIn(value, form)
    return this.#copy(beginOf(form), end)
  }

  /** Like {@link compress}, without a copy: the next call overwrites the result. */
  compressShared(value: Uint8Array, form: 'block' | 'sized'): Buffer {
    const end = this.#encodeIn(value, form)
    return this.#memory.subarray(beginOf(form), end)
  }

  /** @returns where the block ends */
  #encodeIn(value: Uint8Array, form: 'block' | 'sized'): number {
    if (value.length > MAX_VALUE_BYTES)
      throw new RangeError(`${value.length} bytes are too many for one LZ4 block here`)
    const memory = this.#memory
    const base = this.#base
    memory.set(value, base)
    if (form === 'sized') memory.writeUInt32LE(value.length, beginOf(form))
    return this.#encode(base, base + value.length, tableBits(value.length))
  }

  /**
   * @param data in the form that {@link compress} gave it
   * @param rawLength at most {@link MAX_VALUE_BYTES}
   * @throws LEVEL_CORRUPTION if `data` is not the block of a value of this length. A size in front is ignored
   */
  decompress(data: Uint8Array, rawLength: number, form: 'block' | 'sized'): Buffer {
    this.#decode(data, rawLength, form)
    return this.#copy(this.#base, this.#base + rawLength)
  }

  /** Like {@link decompress}, without a copy: the next call overwrites the result. */
  decompressShared(data: Uint8Array, rawLength: number, form: 'block' | 'sized'): Buffer {
    this.#decode(data, rawLength, form)
    return this.#memory.subarray(this.#base, this.#base + rawLength)
  }

  #decode(data: Uint8Array, rawLength: number, form: 'block' | 'sized'): void {
    const begin = beginOf(form)
    if (rawLength > MAX_VALUE_BYTES || data.length > MAX_BLOCK_BYTES) throw damaged()
    this.#memory.set(data, begin)
    const end = this.#base + rawLength
    if (this.#functions.decode(begin + data.length, this.#base, end) !== end) throw damaged()
  }

  #copy(from: number, to: number): Buffer {
    const copy = Buffer.allocUnsafe(to - from)
    this.#memory.copy(copy, 0, from, to)
    return copy
  }
}

function beginOf(form: 'block' | 'sized'): number {
  return form === 'sized' ? BLOCK - SIZE_BYTES : BLOCK
}

function damaged(): Error {
  return corruption('an LZ4 block that does not fit its length or its dictionary')
}
