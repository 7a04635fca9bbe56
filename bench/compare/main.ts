import { closeSync, openSync, writeFileSync } from 'node:fs'
import { corpusSets } from '../documents/corpus.js'
import { bitsPerByte } from '../harness/entropy.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { accept, type Verdict } from './acceptance/acceptance.js'
import { type Arguments, HELP, readArguments } from './arguments.js'
import { compare, type Comparison } from './comparison/comparison.js'
import { describeMachine } from './machine.js'
import { writePayload } from './payload.js'
import { terminalProgress } from './progress.js'
import { pageOf } from './report/page.js'
import { figuresOf, type Results } from './report/results.js'
import {
  printAcceptance,
  printDurability,
  printFailures,
  printLosses,
  printMachine,
  printSize
} from './report/terminal.js'
import { SETTINGS } from './settings.js'

async function main(): Promise<void> {
  const given = readArguments(process.argv.slice(2))
  if (given.help) return console.log(HELP)
  // What cannot work should not take minutes to say so.
  if (given.corpus !== undefined) corpusSets(given.corpus)
  for (const file of [given.json, given.html]) if (file !== undefined) closeSync(openSync(file, 'a'))

  const results = await inTemporaryDirectory(directory => measure(given, directory))
  console.log(`\nTook ${results.seconds.toFixed(0)} s.`)
  if (given.json !== undefined) writeFileSync(given.json, `${JSON.stringify(figuresOf(results), null, 2)}\n`)
  if (given.html !== undefined) writeFileSync(given.html, pageOf(results))
}

async function measure({ corpus, parts, contenders, sizes, effort }: Arguments, directory: string): Promise<Results> {
  const start = performance.now()
  const settings = SETTINGS[effort]
  const payload = await writePayload(directory, corpus)
  const machine = await describeMachine(payload.bytes)
  const { progress, done } = terminalProgress()
  printMachine(machine, payload.name, bitsPerByte([payload.bytes]))
  printDurability(contenders)

  let comparison: Comparison = { sizes: [], failures: [] }
  if (parts.includes('comparison')) {
    comparison = await compare(contenders, sizes, payload, settings, progress, size => {
      done()
      printSize(size)
    })
    printFailures(comparison.failures)
    printLosses(comparison.sizes)
  }
  let verdicts: Verdict[] = []
  if (parts.includes('acceptance')) {
    verdicts = await accept(payload, settings, progress)
    done()
    printAcceptance(verdicts, settings.acceptance.rounds)
  }
  return {
    date: new Date(),
    seconds: (performance.now() - start) / 1000,
    effort,
    payload: payload.name,
    machine,
    contenders,
    ...comparison,
    verdicts
  }
}

try {
  await main()
} catch (error) {
  console.error(`bench:compare: ${(error as Error).message}`)
  process.exitCode = 1
}
