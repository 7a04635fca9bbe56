import type { Distribution } from './fse-distribution.js'

/* The distributions of blocks that describe no tables of their own (RFC 8878, 3.1.1.3.2.2). */

export const PREDEFINED_LITERAL_LENGTHS: Distribution = {
  accuracyLog: 6,
  cells: [4, 3, ...several(11, 2), 1, 1, 1, ...several(9, 2), 3, 2, ...several(5, 1), ...several(4, -1)]
}

export const PREDEFINED_MATCH_LENGTHS: Distribution = {
  accuracyLog: 6,
  cells: [1, 4, 3, ...several(6, 2), ...several(37, 1), ...several(7, -1)]
}

export const PREDEFINED_OFFSETS: Distribution = {
  accuracyLog: 5,
  cells: [...several(6, 1), 2, 2, 2, ...several(15, 1), ...several(5, -1)]
}

function several(count: number, cells: number): number[] {
  return Array<number>(count).fill(cells)
}
