import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { codecUnavailable } from '../../errors.js'
import { require } from '../../require.js'
import { withoutWebAssembly } from '../wasm-instances.js'
import type { SyncZstd } from './zstd-engine.js'

const PACKAGE = '@bokuweb/zstd-wasm'

/** WebAssembly's memory never shrinks: after a call that makes it larger than this, an instance is given up. */
const MAX_KEPT_HEAP_BYTES = 64 * 1024 * 1024

/** The package's Emscripten module. Its own entry point only starts asynchronously, which `getSync` cannot wait for. */
interface EmscriptenModule {
  HEAPU8: Uint8Array
  instantiateWasm(imports: object, receive: (instance: WasmInstance) => void): object
  init(file: string): void
  _malloc(bytes: number): number
  _free(pointer: number): void
  _ZSTD_isError(code: number): number
  _ZSTD_compressBound(bytes: number): number
  _ZSTD_createCCtx(): number
  _ZSTD_createDCtx(): number
  _ZSTD_compress_usingDict(context: number, ...args: number[]): number
  _ZSTD_decompress_usingDict(context: number, ...args: number[]): number
}

/** The types of WebAssembly belong to the DOM library, which this project does without. */
interface WasmInstance {
  readonly exports: object
}
const { WebAssembly: wasm } = globalThis as unknown as {
  WebAssembly: {
    Module: new (bytes: Uint8Array) => object
    Instance: new (module: object, imports: object) => WasmInstance
  }
}

interface Instance {
  readonly zstd: EmscriptenModule
  /** The contexts are kept, since to make one takes longer than to compress a small value. */
  readonly compressor: number
  readonly decompressor: number
  /** Memory for a small input and its output. It is kept, since to allocate it takes longer than to restore a small value. */
  readonly small: number
  /** Where dictionaries are in the instance's memory. */
  readonly dictionaries: WeakMap<Uint8Array, number>
}

/** Inputs and outputs up to this size are small. */
const SMALL_BYTES = 8 * 1024

let compiled: object | undefined
let current: Instance | undefined
let hasWorked = false
/** Why the first instance could not be made. It is not tried again, since each try would take longer than to compress a small value. */
let unavailable: unknown

/**
 * Zstandard on the calling thread, on every Node.js version. It writes into a buffer whose size is given before.
 *
 * @throws LEVEL_NOT_SUPPORTED if WebAssembly is switched off or gets no memory, CKV_CODEC_UNAVAILABLE if the package does not load
 */
export function wasmEngine(): SyncZstd {
  current ??= instantiate()
  return ENGINE
}

/**
 * Compresses with a dictionary, if one is given. It is copied into WebAssembly's memory once, but its tables are read for every value: the package
 * exports no function that would keep them.
 *
 * @param dictionary in Zstandard's format with id 0, or any bytes that do not begin like one; by default none
 */
export function wasmCompressorWith(dictionary?: Uint8Array): SyncZstd['compressSync'] {
  return (data, level) =>
    run(
      data,
      dictionary,
      zstd => zstd._ZSTD_compressBound(data.length),
      ({ zstd, compressor }, places) => zstd._ZSTD_compress_usingDict(compressor, ...places, level)
    )
}

/** Restores what {@link wasmCompressorWith} made, with the same dictionary. */
export function wasmDecompressorWith(dictionary?: Uint8Array): SyncZstd['decompressSync'] {
  return (data, rawLength) =>
    run(
      data,
      dictionary,
      () => rawLength,
      ({ zstd, decompressor }, places) => zstd._ZSTD_decompress_usingDict(decompressor, ...places)
    )
}

const ENGINE: SyncZstd = { compressSync: wasmCompressorWith(), decompressSync: wasmDecompressorWith() }

/**
 * Where a dictionary is in an instance's memory; 0 for none. It stays there as long as the instance, which is given up when its memory has grown.
 */
function placeOf(dictionary: Uint8Array | undefined, { zstd, dictionaries }: Instance): number {
  if (dictionary === undefined) return 0
  let place = dictionaries.get(dictionary)
  if (place !== undefined) return place
  place = zstd._malloc(dictionary.length)
  if (place === 0) throw new RangeError(`No memory for a dictionary of ${dictionary.length} bytes`)
  zstd.HEAPU8.set(dictionary, place)
  dictionaries.set(dictionary, place)
  return place
}

/** Where output, input and dictionary are in WebAssembly's memory, each with its length, in the order in which Zstandard's functions take them. */
type Places = readonly [
  output: number,
  capacity: number,
  input: number,
  length: number,
  dictionary: number,
  dictionaryLength: number
]

function run(
  data: Uint8Array,
  dictionary: Uint8Array | undefined,
  capacityOf: (zstd: EmscriptenModule) => number,
  call: (instance: Instance, places: Places) => number
): Uint8Array {
  const instance = (current ??= instantiate())
  const { zstd } = instance
  const capacity = capacityOf(zstd)
  const isSmall = data.length <= SMALL_BYTES && capacity <= SMALL_BYTES
  const input = isSmall ? instance.small : zstd._malloc(data.length || 1)
  const output = isSmall ? instance.small + SMALL_BYTES : zstd._malloc(capacity || 1)
  try {
    if (input === 0 || output === 0) throw new RangeError(`No memory for ${data.length + capacity} bytes of Zstandard`)
    zstd.HEAPU8.set(data, input)
    const place = placeOf(dictionary, instance)
    const length = call(instance, [output, capacity, input, data.length, place, dictionary?.length ?? 0])
    if (zstd._ZSTD_isError(length)) throw new Error(`Zstandard error ${-length}`)
    return Buffer.from(zstd.HEAPU8.subarray(output, output + length))
  } finally {
    if (!isSmall) {
      zstd._free(input)
      zstd._free(output)
    }
    if (zstd.HEAPU8.length > MAX_KEPT_HEAP_BYTES) current = undefined
  }
}

function instantiate(): Instance {
  if (unavailable !== undefined) throw unavailable
  try {
    const instance = newInstance()
    hasWorked = true
    return instance
  } catch (error) {
    // If there was an instance before, it may have been given up, but not yet be collected: when it is, there are addresses for another one.
    if (!hasWorked) unavailable = error
    throw error
  }
}

function newInstance(): Instance {
  const script = fromPackage(scriptPath)
  compiled ??= compile(fromPackage(() => readFileSync(script.replace(/\.js$/, '.wasm'))))
  const zstd = fromPackage(() => {
    delete require.cache[script] // The script is its only instance: for fresh memory it has to be loaded again.
    return (require(script) as { Module: EmscriptenModule }).Module
  })
  return inWebAssembly(() => {
    start(zstd, compiled!)
    const dictionaries = new WeakMap<Uint8Array, number>()
    const [compressor, decompressor] = [zstd._ZSTD_createCCtx(), zstd._ZSTD_createDCtx()]
    const small = zstd._malloc(2 * SMALL_BYTES)
    if (small === 0) throw new RangeError('No memory for Zstandard')
    return { zstd, compressor, decompressor, small, dictionaries }
  })
}

function scriptPath(): string {
  try {
    return join(dirname(require.resolve(PACKAGE)), 'zstd.js')
  } catch {
    return require('@bokuweb/zstd-wasm') as never // Throws the same error. It is written out for tools that look for such calls: src/require.ts.
  }
}

function compile(bytes: Uint8Array): object {
  return inWebAssembly(() => new wasm.Module(bytes))
}

/** Starts the module. The WebAssembly instance is made only after `init`, which would catch an error and print it. */
function start(zstd: EmscriptenModule, module: object): void {
  let asked!: { readonly imports: object; readonly receive: (instance: WasmInstance) => void }
  zstd.instantiateWasm = (imports, receive) => {
    asked = { imports, receive }
    return {}
  }
  zstd.init('')
  asked.receive(new wasm.Instance(module, asked.imports))
}

function fromPackage<T>(load: () => T): T {
  try {
    return load()
  } catch (cause) {
    throw codecUnavailable('Zstandard', PACKAGE, cause)
  }
}

function inWebAssembly<T>(act: () => T): T {
  try {
    return act()
  } catch (cause) {
    throw withoutWebAssembly('Zstandard', cause)
  }
}
