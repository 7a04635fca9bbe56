import {
  add,
  type Code,
  goWhen,
  type Expression,
  less,
  load128,
  type Local,
  loop,
  set,
  shr,
  shuffle,
  store128,
  tee,
  wasmFunction,
  type WasmFunction,
  WasmModule
} from '../../wasm/assembler.js'

/**
 * The inner loop of byte planes in WebAssembly SIMD, four to ten times as fast as in JavaScript here.
 *
 *     unzip(source, target, bytes)   b0 b1 b2 b3 ...  ->  b0 b2 ... b1 b3 ...
 *     zip(source, target, bytes)     the inverse
 *
 * `bytes` is a multiple of 32, and not 0.
 */
export interface PlaneKernel {
  readonly memory: Uint8Array
  readonly unzip: (source: number, target: number, bytes: number) => void
  readonly zip: (source: number, target: number, bytes: number) => void
}

/** The kernel's memory is two tiles, one to read from and one to write to, which stay in the processor's cache. */
export const TILE_BYTES = 64 * 1024

let kernel: PlaneKernel | undefined
let tried = false

/** Undefined if the processor or Node.js has no SIMD for WebAssembly. */
export function planeKernel(): PlaneKernel | undefined {
  if (tried) return kernel
  tried = true
  try {
    const { memory, unzip, zip } = new WasmModule<Pick<PlaneKernel, 'unzip' | 'zip'>>(
      [UNZIP, ZIP],
      2 * TILE_BYTES
    ).instance()
    kernel = { memory: new Uint8Array(memory.buffer), unzip, zip }
  } catch {
    kernel = undefined
  }
  return kernel
}

const VECTOR_BYTES = 16
const LANES = Array.from({ length: VECTOR_BYTES }, (_, lane) => lane)
const EVEN = LANES.map(lane => 2 * lane)
const ODD = LANES.map(lane => 2 * lane + 1)
const LOW_HALVES = LANES.map(lane => (lane >> 1) + (lane & 1) * VECTOR_BYTES)
const HIGH_HALVES = LOW_HALVES.map(lane => lane + VECTOR_BYTES / 2)

/** Where the next 16 bytes of each half are, or the next 32 of both halves interleaved. */
interface Places {
  readonly inFirst: (base: Local) => Expression
  readonly inSecond: (base: Local) => Expression
  readonly inBoth: (base: Local) => Expression
}

const UNZIP = everySixteen('unzip', (source, target, a, b, { inFirst, inSecond, inBoth }) => [
  set(a, load128(inBoth(source))),
  set(b, load128(inBoth(source), VECTOR_BYTES)),
  store128(inFirst(target), shuffle(a, b, EVEN)),
  store128(inSecond(target), shuffle(a, b, ODD))
])
const ZIP = everySixteen('zip', (source, target, a, b, { inFirst, inSecond, inBoth }) => [
  set(a, load128(inFirst(source))),
  set(b, load128(inSecond(source))),
  store128(inBoth(target), shuffle(a, b, LOW_HALVES)),
  store128(inBoth(target), shuffle(a, b, HIGH_HALVES), VECTOR_BYTES)
])

function everySixteen(
  name: string,
  body: (source: Local, target: Local, a: Local, b: Local, places: Places) => Code
): WasmFunction {
  return wasmFunction(name, false, ({ parameter, local }) => {
    const [source, target, bytes] = [parameter(), parameter(), parameter()]
    const [half, at] = [local('i32'), local('i32')]
    const [a, b] = [local('v128'), local('v128')]
    const inFirst = (base: Local) => add(base, at)
    const inSecond = (base: Local) => add(inFirst(base), half)
    const inBoth = (base: Local) => add(inFirst(base), at)
    return [
      set(half, shr(bytes, 1)),
      loop(again => [
        body(source, target, a, b, { inFirst, inSecond, inBoth }),
        goWhen(again, less(tee(at, add(at, VECTOR_BYTES)), half))
      ])
    ]
  })
}
