/**
 * The inner loop of byte planes in WebAssembly SIMD, four to ten times as fast as in JavaScript here. The module is assembled
 * below from named instructions (webassembly.github.io/spec/core/binary), so that no build step and no opaque bytes are needed.
 *
 *     unzip(source, target, bytes)   b0 b1 b2 b3 ...  ->  b0 b2 ... b1 b3 ...
 *     zip(source, target, bytes)     the inverse
 *
 * `bytes` is a multiple of 32, and not 0.
 */
export interface PlaneKernel {
  readonly memory: Uint8Array
  unzip(source: number, target: number, bytes: number): void
  zip(source: number, target: number, bytes: number): void
}

/** Memory of the kernel: two tiles, one to read from and one to write to, which stay in the processor's cache. */
export const TILE_BYTES = 64 * 1024
const PAGES = 2

/** The types of WebAssembly belong to the DOM library, which this project does without. */
interface WebAssemblyApi {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { readonly exports: object }
}

let kernel: PlaneKernel | undefined
let tried = false

/** undefined where the processor or Node.js has no SIMD for WebAssembly. */
export function planeKernel(): PlaneKernel | undefined {
  if (tried) return kernel
  tried = true
  try {
    const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly
    const { memory, unzip, zip } = new Instance(new Module(assemble())).exports as Pick<
      PlaneKernel,
      'unzip' | 'zip'
    > & {
      memory: { buffer: ArrayBuffer }
    }
    kernel = { memory: new Uint8Array(memory.buffer), unzip, zip }
  } catch {
    kernel = undefined
  }
  return kernel
}

const I32 = 0x7f
const V128 = 0x7b

// Parameters and locals of both functions.
const SOURCE = 0
const TARGET = 1
const BYTES = 2
const HALF = 3
const AT = 4
const A = 5
const B = 6

const get = (local: number) => [0x20, local]
const set = (local: number) => [0x21, local]
const i32 = (value: number) => [0x41, value] // one LEB128 byte: below 64
const I32_SHR_U = [0x76]
const I32_ADD = [0x6a]
const I32_LT_U = [0x49]
const LOOP = [0x03, 0x40]
const BRANCH_IF = [0x0d, 0]
const END = [0x0b]
const load = (offset: number) => [0xfd, 0x00, 0, offset]
const store = (offset: number) => [0xfd, 0x0b, 0, offset]
/** Lane i of the result is lane `lanes[i]` of its two operands, the second one's from 16 on. */
const shuffle = (lanes: readonly number[]) => [0xfd, 0x0d, ...lanes]

const LANES = Array.from({ length: 16 }, (_, lane) => lane)
const EVEN = LANES.map(lane => 2 * lane)
const ODD = LANES.map(lane => 2 * lane + 1)
const LOW_HALVES = LANES.map(lane => (lane >> 1) + (lane & 1) * 16)
const HIGH_HALVES = LOW_HALVES.map(lane => lane + 8)

const add = (a: number[], b: number[]) => [a, b, I32_ADD].flat()
/** Address of what `AT` of the halves stands for: in the first, in the second, or in both interleaved. */
const inFirst = (base: number) => add(get(base), get(AT))
const inSecond = (base: number) => add(inFirst(base), get(HALF))
const inBoth = (base: number) => add(inFirst(base), get(AT))

const loadInto = (local: number, address: number[], offset = 0) => [address, load(offset), set(local)].flat()
const storeShuffled = (lanes: readonly number[], address: number[], offset = 0) =>
  [address, get(A), get(B), shuffle(lanes), store(offset)].flat()

const UNZIP = everySixteen([
  loadInto(A, inBoth(SOURCE)),
  loadInto(B, inBoth(SOURCE), 16),
  storeShuffled(EVEN, inFirst(TARGET)),
  storeShuffled(ODD, inSecond(TARGET))
])
const ZIP = everySixteen([
  loadInto(A, inFirst(SOURCE)),
  loadInto(B, inSecond(SOURCE)),
  storeShuffled(LOW_HALVES, inBoth(TARGET)),
  storeShuffled(HIGH_HALVES, inBoth(TARGET), 16)
])

/** HALF = BYTES / 2; do { body } while ((AT += 16) < HALF) */
function everySixteen(body: readonly number[][]): number[] {
  const half = [get(BYTES), i32(1), I32_SHR_U, set(HALF)]
  const next = [add(get(AT), i32(16)), set(AT), get(AT), get(HALF), I32_LT_U, BRANCH_IF]
  return [...half, LOOP, ...body, ...next, END].flat()
}

const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]

function assemble(): Uint8Array {
  const locals = [2, 2, I32, 2, V128]
  const code = (body: readonly number[]) => sized([...locals, ...body, ...END])
  return Uint8Array.of(
    ...MAGIC_AND_VERSION,
    ...section(1, [1, 0x60, 3, I32, I32, I32, 0]), // one type: three i32, no result
    ...section(3, [2, 0, 0]), // two functions of it
    ...section(5, [1, 0, PAGES]), // one memory
    ...section(7, [3, ...named('memory'), 2, 0, ...named('unzip'), 0, 0, ...named('zip'), 0, 1]),
    ...section(10, [2, ...code(UNZIP), ...code(ZIP)])
  )
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...sized(content)]
}

function named(name: string): number[] {
  return sized([...Buffer.from(name)])
}

/** With its length in front, as LEB128 of two bytes. */
function sized(content: readonly number[]): number[] {
  return [(content.length & 0x7f) | 0x80, content.length >>> 7, ...content]
}
