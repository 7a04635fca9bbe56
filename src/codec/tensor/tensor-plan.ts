import { BufferPool } from '../buffer-pool.js'
import { blockOf, elementsIn, type Layout, layoutOf, payloadOffset } from './tensor-format.js'
import { choosePlane, type PlaneChoice } from './tensor-plane-choice.js'
import { splitPlanes } from './tensor-planes.js'

/** A value is cut into about this many blocks, which are compressed at the same time. */
const WANTED_BLOCKS = 4
/** Planes have 64 KiB to 256 KiB: with those of 64 KiB bf16 becomes 1 % larger than with those of 256 KiB, and larger ones save next to nothing. */
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
  /** The memory for the result, large enough for the worst case. The part that is not written costs only addresses. */
  readonly out: Buffer
  /** Where in `out` raw planes go, by plane, then by block. Only the planes before the first whose stored length is not known yet have a place. */
  readonly places: readonly Uint8Array[]
}

export function planTensor(data: Uint8Array, elementBytes: number): Plan {
  const usedBytes = lengthWithoutTrailingZeros(data)
  const shift = Math.round(Math.log2(usedBytes / elementBytes / WANTED_BLOCKS))
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

/** How much memory of planes is kept: room for all blocks that are compressed at once, and some to spare. */
const MAX_SCRATCH_KEPT_BYTES = 4 * 1024 * 1024
const scratch = new BufferPool(MAX_SCRATCH_KEPT_BYTES)

/** The planes of a block; those that have a place in the output are put there. {@link release} those that are not stored as they are. */
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

/** @param plane one of {@link planesOf} that is no longer needed */
export function release(plane: Uint8Array): void {
  scratch.release(plane)
}

/** Trailing zeros are left out, so that unused slots at the end of a cache take no space. */
function lengthWithoutTrailingZeros(data: Uint8Array): number {
  let end = data.length
  while (end >= ZEROS.length && Buffer.compare(data.subarray(end - ZEROS.length, end), ZEROS) === 0) end -= ZEROS.length
  while (end > 0 && data[end - 1] === 0) end--
  return end
}
