import { countText } from '../../harness/number-text.js'
import { sizeText } from '../../wal/sizes.js'
import { LEFT_OUT } from '../contenders/all.js'
import type { Contender } from '../contenders/contender.js'
import type { Machine } from '../machine.js'

/** What both the terminal and the page say about the figures. */
export const EXPLANATION = [
  "Ratios are to 'classic-level, Snappy' in the same round. A ratio above 1 is always better, also of figures that should be small. Medians of",
  'the rounds. Figures are entries per second, except reopen (close, open, first get), bytes on disk, peak memory (by how much the process grew at most',
  'while it warmed up, was filled and read), and CPU: µs that the main thread is busy for an entry (active time of the event loop).'
] as const

export function rawDiskText({ rawDiskMBs, rawSyncsPerSecond }: Machine): string {
  return `Raw disk: ${countText(rawDiskMBs)} MB/s of large writes with one fdatasync at the end; ${countText(rawSyncsPerSecond)} writes of 1 KiB per second with an fdatasync each.`
}

export function durabilityRows(contenders: readonly Contender[]): string[][] {
  return contenders.map(({ id, label, valuesAs, putPromise, durablePut }) => [
    `${label} (${id})`,
    valuesAs,
    putPromise,
    durablePut
  ])
}

/** What is missing, and why. */
export function leftOut(contenders: readonly Contender[]): string[] {
  const slow = contenders.flatMap(({ label, maxValueBytes }) =>
    maxValueBytes === undefined
      ? []
      : [`${label}, values above ${sizeText(maxValueBytes)}: 1000 of them take half a minute`]
  )
  return [...LEFT_OUT, ...slow].map(reason => `Left out: ${reason}.`)
}
