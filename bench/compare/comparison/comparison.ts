import type { Source } from '../../documents/pieces.js'
import { alternate } from '../../harness/rounds.js'
import type { Contender } from '../contenders/contender.js'
import type { Figures } from '../measure/operations.js'
import { entropyOf, type PayloadFile } from '../payload.js'
import { ask } from '../process/ask.js'
import type { Progress } from '../progress.js'
import { heldRecords, type Settings } from '../settings.js'
import type { ComparisonRequest } from './comparison-child.js'
import { cellsOf, type Failure, type SizeResult } from './results.js'

const CHILD = new URL('./comparison-child.js', import.meta.url)

export interface Comparison {
  readonly sizes: readonly SizeResult[]
  readonly failures: readonly Failure[]
}

/**
 * Measures every contender with every size, in turns, each time in a process of its own.
 *
 * @param onSize called with the figures of a size as soon as all contenders have theirs
 */
export async function compare(
  contenders: readonly Contender[],
  sizes: readonly number[],
  payload: PayloadFile & Source,
  settings: Settings,
  progress: Progress,
  onSize: (result: SizeResult) => void
): Promise<Comparison> {
  const failures: Failure[] = []
  const results: SizeResult[] = []
  for (const valueBytes of sizes) {
    const present = contenders.filter(({ maxValueBytes = Infinity }) => valueBytes <= maxValueBytes)
    const run = async (contender: Contender): Promise<Figures | undefined> => {
      progress(`${valueBytes} B, ${contender.label}`)
      const { name, path } = payload
      const request: ComparisonRequest = { contender: contender.id, valueBytes, payload: { name, path }, settings }
      try {
        return await ask<Figures>(CHILD, request)
      } catch (error) {
        failures.push({ contender, valueBytes, message: (error as Error).message })
        return undefined
      }
    }
    const rounds = await alternate(settings.rounds, present, run)
    const byContender = new Map(present.map((contender, i) => [contender, rounds[i]!]))
    const result = {
      valueBytes,
      entropy: entropyOf(payload, valueBytes),
      records: heldRecords(settings, valueBytes),
      contenders: present,
      cells: cellsOf(byContender, valueBytes)
    }
    results.push(result)
    onSize(result)
  }
  return { sizes: results, failures }
}
