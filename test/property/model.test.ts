import * as fc from 'fast-check'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { classicLevel } from '../support/classic-level.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { copyWhileOpen, killed, logOn, SMALL } from '../support/logged-store.js'
import { BackendDisk, PermanentMemoryLevel } from '../support/permanent-memory-level.js'
import { text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { Model } from './model.js'
import { codecOptions, operations, storeSpec } from './operations.js'
import { type Medium, System } from './system.js'

const backends: Record<string, { runs: number; open: () => Medium }> = {
  'memory-level': { runs: 200, open: () => unlogged(memory()) },
  'classic-level': { runs: 30, open: () => unlogged(classicLevel(temporaryDirectory())) },
  'memory-level with a log': { runs: 120, open: () => logOnly(new CrashableFileSystem(), memory()) },
  'a permanent memory-level with a log': { runs: 80, open: () => logged(new CrashableFileSystem(), new BackendDisk()) },
  'classic-level with a log': { runs: 15, open: () => inLevelDb(temporaryDirectory()) }
}

const memory = () => new MemoryLevel<string, Buffer>({ valueEncoding: 'buffer' })

function unlogged(backend: Medium['backend']): Medium {
  const medium: Medium = { backend, closed: () => medium }
  return medium
}

/** A backend that keeps nothing: the log has it all. */
function logOnly(fs: CrashableFileSystem, backend = memory()): Medium {
  return { backend, wal: logOn(fs), closed: () => logOnly(fs), killed: () => logOnly(killed(fs)) }
}

function logged(fs: CrashableFileSystem, disk: BackendDisk): Medium {
  return {
    backend: new PermanentMemoryLevel(disk),
    wal: logOn(fs),
    closed: () => logged(fs, disk),
    killed: () => logged(killed(fs), disk.clone())
  }
}

function inLevelDb(directory: string): Medium {
  return {
    backend: classicLevel(directory),
    wal: { fsync: 'os', meter: false, ...SMALL },
    closed: () => inLevelDb(directory),
    killed: () => inLevelDb(copyWhileOpen(directory))
  }
}

/** Values from before the database was wrapped. */
const plain: [string, Buffer][] = [
  ['a', Buffer.from('plain')],
  ['cx', text(3000)],
  ['d', Buffer.alloc(0)]
]

describe.each(Object.entries(backends))('over %s', (_, { runs, open }) => {
  it.each(Object.entries(codecOptions))('a store does what a sorted map does, with %s', async (_name, codec) => {
    const report = await fc.check(
      fc.asyncProperty(fc.boolean(), storeSpec, operations, async (wrapped, options, ops) => {
        const medium = open()
        if (wrapped) for (const [key, value] of plain) await medium.backend.put(key, value)
        const model = new Model(wrapped ? plain.map(([key, value]) => [key, Buffer.from(value)]) : [])
        const system = new System(medium, codec, options, model)
        for (const op of ops) await system.run(op)
        await system.finish(options)
      }),
      { numRuns: runs, includeErrorInReport: true }
    )
    // The seed and the smallest counterexample, if there is one.
    expect(await fc.asyncDefaultReportMessage(report)).toBeUndefined()
  })
})
