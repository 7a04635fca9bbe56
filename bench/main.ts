import { closeSync, openSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { benchAdaptive } from './adaptive.js'
import { benchBlob } from './blob.js'
import { benchCodec } from './codec.js'
import { corpusSets } from './documents/corpus.js'
import { benchGc } from './gc.js'
import { HELP, type Part, readArguments } from './harness/arguments.js'
import { createReport, type Report } from './harness/report.js'
import { benchMemTable } from './memtable.js'
import { benchSmall } from './small.js'
import { benchStore } from './store.js'
import { benchTensor } from './tensor.js'
import { benchWal } from './wal.js'
import { benchWrite } from './write.js'

const BENCHMARKS: Readonly<Record<Part, (report: Report, corpus?: string, full?: boolean) => Promise<void>>> = {
  adaptive: benchAdaptive,
  blob: benchBlob,
  codec: benchCodec,
  gc: benchGc,
  memtable: benchMemTable,
  small: benchSmall,
  store: benchStore,
  tensor: benchTensor,
  wal: benchWal,
  write: benchWrite
}

async function main(): Promise<void> {
  const { parts, corpus, json, full, help } = readArguments(process.argv.slice(2))
  if (help) return console.log(HELP)
  // Wrong arguments are to be reported now, not after minutes.
  if (corpus !== undefined) corpusSets(corpus)
  if (json !== undefined) closeSync(openSync(json, 'a'))
  const report = createReport()
  const machine = { node: process.version, platform: process.platform, cpu: cpus()[0]?.model, cores: cpus().length }
  report.line(
    `Node.js ${machine.node}, ${machine.cores} cores of ${machine.cpu}. 1 MB = 10^6 bytes, 1 KiB = 1024 bytes.`
  )

  const start = performance.now()
  for (const part of parts) await BENCHMARKS[part](report, corpus, full)
  const seconds = (performance.now() - start) / 1000
  report.line(`\nTook ${seconds.toFixed(0)} s.`)

  if (json === undefined) return
  const figures = {
    ...machine,
    date: new Date().toISOString(),
    corpus: corpus ?? null,
    full,
    seconds,
    records: report.records
  }
  writeFileSync(json, `${JSON.stringify(figures, null, 2)}\n`)
  report.line(`Figures are in ${json}`)
}

try {
  await main()
} catch (error) {
  console.error(`bench: ${(error as Error).message}`)
  process.exitCode = 1
}
