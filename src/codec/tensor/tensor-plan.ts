import { BufferPool } from '../buffer-pool.js'
import { blockOf, elementsIn, type Layout, layoutOf, payloadOffset } from './tensor-format.js'
import { choosePlane, type PlaneChoice } from './tensor-plane-choice.js'
import { splitPlanes } from './tensor-planes.js'

/** A value is cut into about this many blocks, which are compressed at the same time. */
const WANTED_BLOCKS = 4
/** Planes of 64 KiB make bf16 1 % larger than planes of 256 KiB, and still larger ones save next to nothing. */
const SMALLEST_SHIFT = 16
const LARGEST_SHIFT = 18

/** Compared with the end of a value, to find its trailing zeros. */
const ZEROS = Buffer.alloc(4096)

/** How a value will be stored, as far as that is known before anything is compressed. */
export interface Plan {
  readonly data: Uint8Array
  readonly layout: Layout
  /** By plane, then by block. */
  readonly choices: readonly PlaneChoice[]
  /** Large enough for the worst case. The part that is not written costs address space only. */
  readonly out: Buffer
  /** Where in `out` raw planes go, by plane, then by block: those before the first plane whose length is not known yet. */
  readonly places: readonly Uint8Array[]
}

export function planTensor(data: Uint8Array, elementBytes: number): Plan {
  const usedBytes = lengthWithoutTrailingZeros(data)
  const shift = Math.round(Math.log2(Math.max(1, usedBytes / elementBytes / WANTED_BLOCKS)))
  const layout = layoutOf(elementBytes, Math.min(Math.max(shift, SMALLEST_SHIFT), LARGEST_SHIFT), usedBytes)
  const choices: PlaneChoice[] = []
  for (let plane = 0; plane < elementBytes; plane++) {
    for (let block = 0; block < layout.blocks; block++) {
      choices.push(choosePlane(blockOf(data, layout, block), elementBytes, plane))
    }
  }
  const out = Buffer.allocUnsafe(payloadOffset(layout) + usedBytes)
  const places: Uint8Array[] = []
  let at = payloadOffset(layout)
  for (let i = 0; choices[i] === 'raw'; i++) {
    const bytes = elementsIn(layout, i % layout.blocks)
    places.push(out.subarray(at, at + bytes))
    at += bytes
  }
  return { data, layout, choices, out, places }
}

/** Planes of all blocks that are being compressed at once, with some to spare. */
const MAX_SCRATCH_KEPT_BYTES = 4 * 1024 * 1024
const scratch = new BufferPool(MAX_SCRATCH_KEPT_BYTES)

/** The planes of a block, in their places in the output where they have one. Those that are not stored as they are must be {@link release}d. */
export function planesOf({ data, layout, places, choices }: Plan, block: number): Uint8Array[] {
  const bytes = blockOf(data, layout, block)
  if (layout.elementBytes === 1) return [bytes]
  const elements = elementsIn(layout, block)
  const planes = Array.from({ length: layout.elementBytes }, (_, plane) => {
    const i = plane * layout.blocks + block
    return places[i] ?? (choices[i] === 'raw' ? Buffer.allocUnsafe(elements) : scratch.take(elements))
  })
  splitPlanes(bytes, planes)
  return planes
}

/** @param plane of {@link planesOf}, no longer needed */
export function release(plane: Uint8Array): void {
  scratch.release(plane)
}

/** Unused slots at the end of a cache cost nothing. */
function lengthWithoutTrailingZeros(data: Uint8Array): number {
  let end = data.length
  while (end >= ZEROS.length && Buffer.compare(data.subarray(end - ZEROS.length, end), ZEROS) === 0) end -= ZEROS.length
  while (end > 0 && data[end - 1] === 0) end--
  return end
}
