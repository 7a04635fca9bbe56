/*
 * Makes WebAssembly modules of named instructions (webassembly.github.io/spec/core/binary), for the few inner loops that are several times as fast
 * there as in JavaScript. No build step, no compiler and no opaque bytes are needed for that.
 *
 * An expression is code that leaves one value on the stack; a number stands for the constant. Addresses, lengths and conditions are i32, unsigned
 * where it matters. Loads and stores need no alignment.
 */

/** Code as a tree: bytes, and blocks and branches that become bytes when their depth is known. */
export type Code = readonly (number | Code | Block | Branch)[]
/** Code that leaves one value on the stack. */
export type Expression = Code | number
/** The target of a branch. */
export type Label = object

interface Block {
  readonly opcode: number
  readonly label: Label
  readonly body: Code
  readonly otherwise?: Code | undefined
}

interface Branch {
  readonly opcode: number
  readonly to: Label
}

const TYPES = { i32: 0x7f, i64: 0x7e, v128: 0x7b } as const
type ValueType = keyof typeof TYPES

/** A parameter or variable of a function; as an expression its value. */
export type Local = readonly [typeof LOCAL_GET, readonly number[]]

const LOCAL_GET = 0x20
const END = 0x0b
const EXTEND = 0xad

const push = (value: Expression): Code => (typeof value === 'number' ? [0x41, ...signedLeb128(value)] : value)
const unary = (opcode: number) => (a: Expression) => [push(a), opcode]
const binary = (opcode: number) => (a: Expression, b: Expression) => [push(a), push(b), opcode]

export const set = (local: Local, value: Expression): Code => [push(value), 0x21, local[1]]
/** Sets a local; the value is its new one. */
export const tee = (local: Local, value: Expression): Code => [push(value), 0x22, local[1]]
export const increase = (local: Local, by: Expression): Code => set(local, add(local, by))
export const decrease = (local: Local, by: Expression): Code => set(local, sub(local, by))

export const add = binary(0x6a)
export const sub = binary(0x6b)
export const mul = binary(0x6c)
export const and = binary(0x71)
export const or = binary(0x72)
export const xor = binary(0x73)
export const shl = binary(0x74)
export const shr = binary(0x76)
export const leadingZeros = unary(0x67)
export const isZero = unary(0x45)
export const equal = binary(0x46)
export const notEqual = binary(0x47)
export const less = binary(0x49)
export const greater = binary(0x4b)
export const greaterSigned = binary(0x4a)
export const atMost = binary(0x4d)
export const atLeast = binary(0x4f)
export const equal64 = binary(0x51)
export const or64 = binary(0x84)
export const xor64 = binary(0x85)
/** Shifts an i64 by an i32, of which the lowest six bits count. */
export const shl64 = (a: Expression, bits: Expression): Code => [push(a), push(bits), EXTEND, 0x86]
export const shr64 = (a: Expression, bits: Expression): Code => [push(a), push(bits), EXTEND, 0x88]
export const trailingZeros64 = unary(0x7a)
export const isZero64 = unary(0x50)
/** Extends an i32 to an i64 with zeros. */
export const extend = unary(EXTEND)
/** The low half of an i64. */
export const low32 = unary(0xa7)
/** `yes` if the condition holds, else `no`; both are evaluated. */
export const select = (condition: Expression, yes: Expression, no: Expression): Code => [
  push(yes),
  push(no),
  push(condition),
  0x1b
]

const load =
  (...opcode: number[]) =>
  (at: Expression, offset = 0) => [push(at), opcode, 0, leb128(offset)]
const store =
  (...opcode: number[]) =>
  (at: Expression, value: Expression, offset = 0) => [push(at), push(value), opcode, 0, leb128(offset)]

export const load8 = load(0x2d)
export const load16 = load(0x2f)
export const load32 = load(0x28)
export const load64 = load(0x29)
export const load128 = load(0xfd, 0x00)
export const store8 = store(0x3a)
export const store16 = store(0x3b)
export const store32 = store(0x36)
export const store64 = store(0x37)
export const store128 = store(0xfd, 0x0b)
/** Sets bytes of memory. */
export const fill = (at: Expression, value: Expression, bytes: Expression): Code => [
  push(at),
  push(value),
  push(bytes),
  0xfc,
  0x0b,
  0
]
/** Byte i of the result is byte `lanes[i]` of the two operands; the second one's begin at 16. */
export const shuffle = (a: Expression, b: Expression, lanes: readonly number[]): Code => [
  push(a),
  push(b),
  0xfd,
  0x0d,
  lanes
]

const structure = (opcode: number, body: (label: Label) => Code): Code => {
  const label = {}
  return [{ opcode, label, body: body(label) }]
}
/** A branch to the label of a block leaves the block. */
export const block = (body: (out: Label) => Code): Code => structure(0x02, body)
/** A branch to the label of a loop begins the loop again. Without one it ends where its body does. */
export const loop = (body: (again: Label) => Code): Code => structure(0x03, body)
export const when = (condition: Expression, body: Code, otherwise?: Code): Code => [
  push(condition),
  { opcode: 0x04, label: {}, body, otherwise }
]
export const go = (to: Label): Code => [{ opcode: 0x0c, to }]
export const goWhen = (to: Label, condition: Expression): Code => [push(condition), { opcode: 0x0d, to }]
/** Never reached: ends a function that returns from within a loop. */
export const UNREACHABLE: Code = [0x00]
export const finish = (value: Expression): Code => [push(value), 0x0f]

/** Declares parameters, all i32, and then variables, which begin as 0. */
export interface Locals {
  readonly parameter: () => Local
  readonly local: (type: ValueType) => Local
}

/** A function to be exported. */
export interface WasmFunction {
  readonly name: string
  readonly parameters: number
  readonly locals: readonly ValueType[]
  readonly result: boolean
  readonly body: Code
}

/** @param build gives the body, which leaves an i32 if there is a `result` */
export function wasmFunction(name: string, result: boolean, build: (locals: Locals) => Code): WasmFunction {
  let parameters = 0
  const locals: ValueType[] = []
  const body = build({
    parameter: () => [LOCAL_GET, leb128(parameters++)],
    local: type => [LOCAL_GET, leb128(parameters + locals.push(type) - 1)]
  })
  return { name, parameters, locals, result, body }
}

const PAGE_BYTES = 64 * 1024

/** The types of WebAssembly belong to the DOM library, which this project does without. */
interface WebAssemblyApi {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { readonly exports: object }
}

/** The functions by their names, and the memory. */
export type WasmInstance<Exports> = Exports & { readonly memory: { readonly buffer: ArrayBuffer } }

/** A compiled module. Each instance has a memory of its own, called `memory`, and the functions by their names. */
export class WasmModule<Exports extends object> {
  readonly #api: WebAssemblyApi
  readonly #module: object

  /**
   * @param memoryBytes the least bytes of memory that an instance has
   * @throws if WebAssembly is switched off, or if a function uses vectors and the processor has none
   */
  constructor(functions: readonly WasmFunction[], memoryBytes: number) {
    this.#api = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly
    this.#module = new this.#api.Module(assemble(functions, Math.ceil(memoryBytes / PAGE_BYTES)))
  }

  /** @param moreBytes of memory, beside the least. The memory does not grow later */
  instance(moreBytes = 0): WasmInstance<Exports> {
    const exports = new this.#api.Instance(this.#module).exports as Exports & { readonly memory: WasmMemory }
    exports.memory.grow(Math.ceil(moreBytes / PAGE_BYTES))
    return exports
  }
}

interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): void
}

const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
const SECTION = { type: 1, function: 3, memory: 5, export: 7, code: 10 } as const
const FUNCTION_TYPE = 0x60
const NO_MAXIMUM = 0
const EXPORTED = { function: 0, memory: 2 } as const

function assemble(functions: readonly WasmFunction[], pages: number): Uint8Array {
  const types = functions.map(({ parameters, result }) => [
    FUNCTION_TYPE,
    ...list(Array.from({ length: parameters }, () => [TYPES.i32])),
    ...list(result ? [[TYPES.i32]] : [])
  ])
  const exports = functions.map(({ name }, i) => [...text(name), EXPORTED.function, ...leb128(i)])
  const code = functions.map(({ locals, body }) =>
    sized([...list(locals.map(type => [1, TYPES[type]])), ...flatten(body), END])
  )
  return Uint8Array.from([
    ...MAGIC_AND_VERSION,
    ...section(SECTION.type, types),
    ...section(
      SECTION.function,
      functions.map((_, i) => leb128(i))
    ),
    ...section(SECTION.memory, [[NO_MAXIMUM, ...leb128(pages)]]),
    ...section(SECTION.export, [[...text('memory'), EXPORTED.memory, 0], ...exports]),
    ...section(SECTION.code, code)
  ])
}

/** The bytes of code. In them a branch names its target by the number of structures between. */
function flatten(code: Code, labels: readonly Label[] = [], into: number[] = []): number[] {
  for (const part of code) {
    if (typeof part === 'number') into.push(part)
    else if (Array.isArray(part)) flatten(part as Code, labels, into)
    else if ('to' in part) into.push(part.opcode, ...leb128(labels.indexOf(part.to)))
    else {
      const { opcode, label, body, otherwise } = part as Block
      const inner = [label, ...labels]
      into.push(opcode, 0x40)
      flatten(body, inner, into)
      if (otherwise !== undefined) {
        into.push(0x05)
        flatten(otherwise, inner, into)
      }
      into.push(END)
    }
  }
  return into
}

function section(id: number, entries: readonly (readonly number[])[]): number[] {
  return [id, ...sized(list(entries))]
}

function list(entries: readonly (readonly number[])[]): number[] {
  return [...leb128(entries.length), ...entries.flat()]
}

function text(name: string): number[] {
  return sized([...Buffer.from(name)])
}

function sized(content: readonly number[]): number[] {
  return [...leb128(content.length), ...content]
}

function leb128(value: number): number[] {
  const bytes: number[] = []
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80)
  bytes.push(value)
  return bytes
}

function signedLeb128(value: number): number[] {
  const bytes: number[] = []
  value |= 0
  for (; value < -64 || value > 63; value >>= 7) bytes.push((value & 0x7f) | 0x80)
  bytes.push(value & 0x7f)
  return bytes
}
