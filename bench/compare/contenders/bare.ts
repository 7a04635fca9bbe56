import type { Contender } from './contender.js'
import { openLevel } from './level.js'

export const AS_BUFFERS = { valueEncoding: 'buffer' } as const

const OF_LEVELDB = {
  family: 'bare',
  putPromise: 'handed to the system: a power cut loses what that had not written',
  durablePut: 'sync: true',
  persistent: true,
  valuesAs: 'bytes'
} as const

/** The baseline, with which every figure is compared; in Node.js `level` is classic-level. */
export const BASELINE: Contender = {
  id: 'classic',
  label: 'classic-level, Snappy',
  ...OF_LEVELDB,
  load: async () => {
    const { Level } = await import('level')
    return location => openLevel(new Level<string, Buffer>(location, AS_BUFFERS), true)
  }
}

export const BARE: readonly Contender[] = [
  BASELINE,
  {
    id: 'classic-raw',
    label: 'classic-level, no compression',
    ...OF_LEVELDB,
    load: async () => {
      const { Level } = await import('level')
      return location => openLevel(new Level<string, Buffer>(location, { ...AS_BUFFERS, compression: false }), true)
    }
  },
  {
    id: 'memory',
    label: 'memory-level',
    family: 'bare',
    putPromise: 'nothing outlives the process',
    durablePut: 'none',
    persistent: false,
    valuesAs: 'bytes',
    load: async () => {
      const { MemoryLevel } = await import('memory-level')
      return () => openLevel(new MemoryLevel<string, Buffer>(AS_BUFFERS), false)
    }
  }
]
