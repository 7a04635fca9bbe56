import { describe, expect, test } from 'vitest'
import {
  add,
  and,
  atMost,
  atLeast,
  block,
  type Code,
  decrease,
  equal,
  equal64,
  type Expression,
  extend,
  fill,
  finish,
  go,
  goWhen,
  greater,
  greaterSigned,
  increase,
  isZero,
  isZero64,
  type Label,
  less,
  load128,
  load16,
  load32,
  load64,
  leadingZeros,
  load8,
  type Locals,
  loop,
  low32,
  mul,
  notEqual,
  or,
  or64,
  select,
  set,
  shl,
  shl64,
  shr64,
  shr,
  shuffle,
  store128,
  store16,
  store32,
  store64,
  store8,
  sub,
  tee,
  trailingZeros64,
  UNREACHABLE,
  wasmFunction,
  WasmModule,
  when,
  xor,
  xor64
} from '../../src/wasm/assembler.js'

const PAGE_BYTES = 65_536

type Called = (...args: number[]) => number

/** A function with an i32 for its result, and its memory of one page. */
function assembled(build: (locals: Locals) => Code) {
  const module = new WasmModule<{ run: Called }>([wasmFunction('run', true, build)], PAGE_BYTES)
  const { run, memory } = module.instance()
  return { run, memory: Buffer.from(memory.buffer) }
}

/** What an expression without locals is. */
function valueOf(value: Expression): number {
  return assembled(() => [add(value, 0)]).run()
}

describe('expressions', () => {
  test.each([0, 1, 63, 64, 127, 128, 8191, 8192, 2 ** 31 - 1, -1, -64, -65, -128, -129, -8192, -8193, -(2 ** 31)])(
    'a number is a constant: %i',
    number => {
      expect(valueOf(number)).toBe(number)
    }
  )

  test('constants above 2^31 are the same 32 bits', () => {
    expect(valueOf(0x9e3779b1)).toBe(0x9e3779b1 | 0)
    expect(valueOf(0xffffffff)).toBe(-1)
  })

  test.each([
    ['add', add(0xffffffff, 2), 1],
    ['sub', sub(1, 3), -2],
    ['mul', mul(0x10001, 0x10001), 0x20001],
    ['and', and(0b1100, 0b1010), 0b1000],
    ['or', or(0b1100, 0b1010), 0b1110],
    ['shl', shl(3, 31), -(2 ** 31)],
    ['xor', xor(0b1100, 0b1010), 0b0110],
    ['shr, unsigned', shr(-1, 28), 15],
    ['leadingZeros', leadingZeros(0x00ffffff), 8],
    ['leadingZeros', leadingZeros(0), 32],
    ['isZero', isZero(0), 1],
    ['isZero', isZero(256), 0]
  ])('%s', (_, expression, expected) => {
    expect(valueOf(expression)).toBe(expected)
  })

  test.each([
    // For -1 and 1, for 1 and -1, and for 1 and 1.
    ['equal', equal, [0, 0, 1]],
    ['notEqual', notEqual, [1, 1, 0]],
    ['less, unsigned', less, [0, 1, 0]],
    ['greater, unsigned', greater, [1, 0, 0]],
    ['greaterSigned', greaterSigned, [0, 1, 0]],
    ['atMost, unsigned', atMost, [0, 1, 1]],
    ['atLeast, unsigned', atLeast, [1, 0, 1]]
  ])('%s', (_, compare, expected) => {
    const { run } = assembled(({ parameter }) => compare(parameter(), parameter()))
    expect([run(-1, 1), run(1, -1), run(1, 1)]).toEqual(expected)
  })

  test('select gives the first where its condition holds', () => {
    const { run } = assembled(({ parameter }) => select(parameter(), 11, 22))
    expect([run(1), run(256), run(0)]).toEqual([11, 11, 22])
  })

  test('64 bits are compared, counted and halved', () => {
    const both = xor64(load64(0), load64(8))
    const { run, memory } = assembled(() => [
      add(low32(trailingZeros64(both)), add(shl(isZero64(both), 8), shl(low32(both), 16)))
    ])
    memory.writeBigUInt64LE(1n << 62n, 0)
    expect(run()).toBe(62)
    memory.writeBigUInt64LE(1n << 62n, 8)
    expect(run()).toBe(64 + 256)
    memory.writeBigUInt64LE(3n, 8)
    memory.writeBigUInt64LE(1n, 0)
    expect(run()).toBe(1 + 2 * 65_536)
  })

  test('an i32 becomes 64 bits with zeros, and 64 bits are joined', () => {
    const { run, memory } = assembled(() => [store64(8, or64(load64(0), extend(-1))), finish(0)])
    memory.writeBigUInt64LE(1n << 63n, 0)
    run()
    expect(memory.readBigUInt64LE(8)).toBe((1n << 63n) | 0xffffffffn)
  })

  test('64 bits are shifted by the lowest six bits of an i32', () => {
    const { run, memory } = assembled(({ parameter }) => {
      const bits = parameter()
      return [store64(8, shl64(load64(0), bits)), store64(16, shr64(load64(0), bits)), equal64(load64(0), load64(8))]
    })
    memory.writeBigUInt64LE(0x8000000000000001n, 0)
    expect([run(0), run(1)]).toEqual([1, 0])
    expect([memory.readBigUInt64LE(8), memory.readBigUInt64LE(16)]).toEqual([2n, 1n << 62n])
    run(64 + 63)
    expect([memory.readBigUInt64LE(8), memory.readBigUInt64LE(16)]).toEqual([1n << 63n, 1n])
    expect(run(-64)).toBe(1)
  })
})

describe('locals', () => {
  test('of all types, after the parameters, begin with 0 and keep their own values', () => {
    const { run, memory } = assembled(({ parameter, local }) => {
      const [first, second] = [parameter(), parameter()]
      const [a, wide, vector, b] = [local('i32'), local('i64'), local('v128'), local('i32')]
      return [
        increase(a, first),
        decrease(b, second),
        set(wide, load64(16)),
        set(vector, load128(32)),
        store128(48, vector),
        store64(64, wide),
        add(mul(a, 1000), b)
      ]
    })
    memory.set(
      Array.from({ length: 48 }, (_, i) => i + 1),
      0
    )
    expect(run(7, 2)).toBe(6998)
    expect(memory.subarray(48, 64)).toEqual(memory.subarray(32, 48))
    expect(memory.subarray(64, 72)).toEqual(memory.subarray(16, 24))
  })

  test('tee sets one, and is its value', () => {
    const { run } = assembled(({ parameter, local }) => {
      const [a, b] = [parameter(), local('i32')]
      return add(tee(b, add(a, 1)), mul(b, 10))
    })
    expect(run(4)).toBe(55)
  })
})

describe('memory', () => {
  // An offset takes one, two or three bytes.
  test.each([0, 1, 127, 128, 255, 16_383, 16_384, 60_000])('is read and written at an offset of %i', offset => {
    const { run, memory } = assembled(({ parameter }) => {
      const at = parameter()
      return [
        store8(at, load8(at, offset), offset + 100),
        store16(at, load16(at, offset), offset + 200),
        store32(at, load32(at, offset), offset + 500),
        store64(at, load64(at, offset), offset + 300),
        store128(at, load128(at, offset), offset + 400),
        load32(at, offset)
      ]
    })
    for (let i = 0; i < 32; i++) memory[3 + offset + i] = 0x80 + i
    expect(run(3)).toBe(0x83828180 | 0)
    for (const [to, bytes] of [
      [100, 1],
      [200, 2],
      [300, 8],
      [400, 16],
      [500, 4]
    ] as const) {
      const at = 3 + offset + to
      expect(memory.subarray(at, at + bytes)).toEqual(memory.subarray(3 + offset, 3 + offset + bytes))
      expect([memory[at - 1], memory[at + bytes]]).toEqual([0, 0])
    }
  })

  test('short loads have zeros above, and short stores leave off what is above', () => {
    const { run, memory } = assembled(() => [store8(8, 0x1ff), store16(10, 0x1fffe), add(load8(0), load16(0))])
    memory.fill(0xff, 0, 2)
    expect(run()).toBe(0xff + 0xffff)
    expect([...memory.subarray(8, 13)]).toEqual([0xff, 0, 0xfe, 0xff, 0])
  })

  test('fill sets so many bytes', () => {
    const { run, memory } = assembled(({ parameter }) => [fill(parameter(), parameter(), parameter()), load8(1000)])
    expect(run(1000, 0x1ab, 300)).toBe(0xab)
    expect(memory.subarray(1000, 1300)).toEqual(Buffer.alloc(300, 0xab))
    expect([memory[999], memory[1300]]).toEqual([0, 0])
  })

  test('shuffle takes lanes of the first, and from 16 on of the second', () => {
    const { run, memory } = assembled(() => [
      store128(32, shuffle(load128(0), load128(16), [31, 0, 16, 15, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 17])),
      load8(32)
    ])
    for (let i = 0; i < 32; i++) memory[i] = 100 + i
    expect(run()).toBe(131)
    expect([...memory.subarray(32, 48)]).toEqual([131, 100, 116, 115, ...Array<number>(11).fill(101), 117])
  })

  test('has whole pages, on demand more of them, and is another for each instance', () => {
    const read = wasmFunction('read', true, ({ parameter }) => load8(parameter()))
    const module = new WasmModule<{ read: Called }>([read], PAGE_BYTES + 1)
    const [one, other] = [module.instance(), module.instance()]
    expect(one.memory.buffer.byteLength).toBe(2 * PAGE_BYTES)
    for (const [moreBytes, pages] of [
      [1, 3],
      [PAGE_BYTES, 3],
      [PAGE_BYTES + 1, 4]
    ] as const)
      expect(module.instance(moreBytes).memory.buffer.byteLength).toBe(pages * PAGE_BYTES)
    new Uint8Array(one.memory.buffer)[2 * PAGE_BYTES - 1] = 7
    expect([one.read(2 * PAGE_BYTES - 1), other.read(2 * PAGE_BYTES - 1)]).toEqual([7, 0])
    expect(() => one.read(2 * PAGE_BYTES)).toThrow(/out of bounds/)
  })
})

describe('structures', () => {
  test('when runs its body if the condition holds, else the other body, if there is one', () => {
    const { run } = assembled(({ parameter, local }) => {
      const [condition, result] = [parameter(), local('i32')]
      return [
        when(condition, [increase(result, 1)], [increase(result, 10)]),
        when(greater(condition, 1), [increase(result, 100)]),
        result
      ]
    })
    expect([run(0), run(1), run(2)]).toEqual([10, 1, 101])
  })

  test('a branch leaves a block and begins a loop again, whatever lies between', () => {
    // How many odd numbers there are below n; 0 where there is a 5 among them.
    const { run } = assembled(({ parameter, local }) => {
      const [n, i, odd] = [parameter(), local('i32'), local('i32')]
      return [
        block(done => [
          block(five =>
            loop(again => [
              goWhen(done, atLeast(i, n)),
              block(even => [
                when(and(i, 1), [when(equal(i, 5), [go(five)])], [go(even)]),
                increase(odd, 1),
                increase(i, 1),
                go(again)
              ]),
              increase(i, 1),
              go(again)
            ])
          ),
          set(odd, 0)
        ]),
        odd
      ]
    })
    expect([run(0), run(1), run(2), run(5), run(6)]).toEqual([0, 0, 1, 2, 0])
  })

  test('the same code may stand in several places, at other depths', () => {
    const { run } = assembled(({ parameter, local }) => {
      const [n, count] = [parameter(), local('i32')]
      const twice = loop(again => [increase(count, 1), decrease(n, 1), goWhen(again, n)])
      return [when(equal(n, 3), [twice]), set(n, 2), block(() => [block(() => [twice])]), count]
    })
    expect([run(3), run(1)]).toEqual([5, 2])
  })

  test('a branch may go out of more than 127 of them', () => {
    const nested = (depth: number, out: Label): Code => (depth === 0 ? go(out) : block(() => nested(depth - 1, out)))
    const { run } = assembled(({ local }) => {
      const result = local('i32')
      return [block(out => [nested(200, out), set(result, 1)]), add(result, 5)]
    })
    expect(run()).toBe(5)
  })

  test('finish ends the function from anywhere', () => {
    const { run } = assembled(({ parameter, local }) => {
      const [n, i] = [parameter(), local('i32')]
      return [
        loop(again => [block(() => [when(equal(mul(i, i), n), finish(i))]), increase(i, 1), go(again)]),
        UNREACHABLE
      ]
    })
    expect([run(0), run(144)]).toEqual([0, 12])
  })
})

describe('functions', () => {
  test('are called by their names, with a result or without', () => {
    const put = wasmFunction('put', false, ({ parameter }) => store8(parameter(), parameter()))
    const get = wasmFunction('get', true, ({ parameter }) => load8(parameter()))
    const module = new WasmModule<{ put: (at: number, byte: number) => void; get: Called }>([put, get], PAGE_BYTES)
    const instance = module.instance()
    expect(instance.put(9, 77)).toBe(undefined)
    expect(instance.get(9)).toBe(77)
  })

  test('are any number, with any number of locals', () => {
    const functions = Array.from({ length: 200 }, (_, i) =>
      wasmFunction(`f${i}`, true, ({ local }) => {
        const locals = Array.from({ length: i + 1 }, () => local('i32'))
        return [...locals.map((each, n) => set(each, n)), add(locals[0]!, locals[i]!)]
      })
    )
    const instance = new WasmModule<Record<string, Called>>(functions, PAGE_BYTES).instance()
    for (let i = 0; i < 200; i++) expect(instance[`f${i}`]!()).toBe(i)
  })

  test.each([10, 100, 1000, 10_000])('may be long: %i additions', additions => {
    const { run } = assembled(({ parameter, local }) => {
      const [n, sum] = [parameter(), local('i32')]
      return [Array.from({ length: additions }, () => increase(sum, n)), sum]
    })
    expect(run(3)).toBe(3 * additions)
  })
})
