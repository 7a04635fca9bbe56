import { planeKernel, TILE_BYTES, type PlaneKernel } from './tensor-simd.js'

/**
 * Byte planes: plane p of a block holds byte p of each of its elements. The kernel works on one tile at a time. To split it, each round
 * unzips every run of the tile into its even and its odd bytes: after one round there are the planes of 2-byte elements, after
 * two those of 4-byte elements, in the order 0 2 1 3, after three those of 8-byte elements, in the order 0 4 2 6 1 5 3 7.
 */
const PLANE_ORDER: Readonly<Record<number, readonly number[]>> = {
  2: [0, 1],
  4: [0, 2, 1, 3],
  8: [0, 4, 2, 6, 1, 5, 3, 7]
}

/** The kernel works on whole vectors: of the last tile it takes a multiple of this many elements, and those that are left go one by one. */
const ELEMENTS_AT_A_TIME = 16

/**
 * Splits a block into its byte planes.
 *
 * @param block whole elements, at any alignment
 * @param planes where the planes go, one for each byte of an element; each has one byte for each element
 */
export function splitPlanes(block: Uint8Array, planes: readonly Uint8Array[]): void {
  const size = planes.length
  if (size === 1) return planes[0]!.set(block)
  const kernel = planeKernel()
  const done = kernel === undefined ? 0 : splitTiles(kernel, block, planes)
  for (let e = done; e < planes[0]!.length; e++) {
    for (let p = 0; p < size; p++) planes[p]![e] = block[e * size + p]!
  }
}

/**
 * Puts the planes of a block together again.
 *
 * @param planes of equal length, one for each byte of an element, at any alignment
 * @param block where it goes: as many bytes as all planes have
 */
export function mergePlanes(planes: readonly Uint8Array[], block: Uint8Array): void {
  const size = planes.length
  if (size === 1) return block.set(planes[0]!)
  const kernel = planeKernel()
  const done = kernel === undefined ? 0 : mergeTiles(kernel, planes, block)
  for (let e = done; e < planes[0]!.length; e++) {
    for (let p = 0; p < size; p++) block[e * size + p] = planes[p]![e]!
  }
}

/** @returns how many elements are done */
function splitTiles(kernel: PlaneKernel, block: Uint8Array, planes: readonly Uint8Array[]): number {
  const size = planes.length
  const elements = planes[0]!.length
  for (let done = 0; ;) {
    const count = nextTile(elements - done, size)
    if (count === 0) return done
    kernel.memory.set(block.subarray(done * size, (done + count) * size), 0)
    let tile = 0
    for (let runs = 1; runs < size; runs *= 2) {
      tile = eachRun(tile, runs, count * size, (source, target, bytes) => kernel.unzip(source, target, bytes))
    }
    for (const [i, p] of PLANE_ORDER[size]!.entries()) {
      planes[p]!.set(kernel.memory.subarray(tile + i * count, tile + (i + 1) * count), done)
    }
    done += count
  }
}

/** @returns how many elements are done */
function mergeTiles(kernel: PlaneKernel, planes: readonly Uint8Array[], block: Uint8Array): number {
  const size = planes.length
  const elements = planes[0]!.length
  for (let done = 0; ;) {
    const count = nextTile(elements - done, size)
    if (count === 0) return done
    for (const [i, p] of PLANE_ORDER[size]!.entries()) {
      kernel.memory.set(planes[p]!.subarray(done, done + count), i * count)
    }
    let tile = 0
    for (let runs = size / 2; runs >= 1; runs /= 2) {
      tile = eachRun(tile, runs, count * size, (source, target, bytes) => kernel.zip(source, target, bytes))
    }
    block.set(kernel.memory.subarray(tile, tile + count * size), done * size)
    done += count
  }
}

/** How many elements the next tile has: as many as fit, in whole vectors. */
function nextTile(left: number, size: number): number {
  const count = Math.min(left, TILE_BYTES / size)
  return count - (count % ELEMENTS_AT_A_TIME)
}

/** Works on each of `runs` equal runs, from the tile at `source` into the other tile. @returns where the other tile is */
function eachRun(
  source: number,
  runs: number,
  tileBytes: number,
  work: (source: number, target: number, bytes: number) => void
): number {
  const target = TILE_BYTES - source
  const bytes = tileBytes / runs
  for (let run = 0; run < runs; run++) work(source + run * bytes, target + run * bytes, bytes)
  return target
}
