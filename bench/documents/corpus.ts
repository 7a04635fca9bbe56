import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { Document, DocumentSet } from './document.js'

const NEWLINE = 0x0a

/**
 * The documents of a corpus. Every line of its *.jsonl and logs/*.log files is a value, with a set for each file; every llm/kv-layer* file is one,
 * with a set for each type of numbers.
 */
export function corpusSets(directory: string): DocumentSet[] {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Error(`--corpus: there is no directory '${directory}'`)
  }
  const sets = [
    ...filesIn(directory, name => name.endsWith('.jsonl')).map(name => lineSet(directory, name)),
    ...filesIn(join(directory, 'logs'), name => name.endsWith('.log')).map(name =>
      lineSet(join(directory, 'logs'), name)
    ),
    ...tensorSets(join(directory, 'llm'))
  ]
  if (sets.length === 0) {
    throw new Error(`--corpus: '${directory}' holds no *.jsonl, logs/*.log or llm/kv-layer* files`)
  }
  return sets
}

function lineSet(directory: string, name: string): DocumentSet {
  const documents = lines(readFileSync(join(directory, name))).map((value, i) => ({
    key: `${name}#${String(i).padStart(6, '0')}`,
    value
  }))
  return { name, kind: 'text', documents }
}

function lines(text: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let from = 0; from < text.length;) {
    const newline = text.indexOf(NEWLINE, from)
    const to = newline === -1 ? text.length : newline
    if (to > from) found.push(text.subarray(from, to))
    from = to + 1
  }
  return found
}

/** The keys and values of a language model's layers: one set for bf16, one for f16, and so on. */
export function tensorSets(directory: string): DocumentSet[] {
  const byType = new Map<string, Document[]>()
  for (const name of filesIn(directory, file => file.startsWith('kv-layer'))) {
    const type = extname(name).slice(1)
    const document = { key: name, value: readFileSync(join(directory, name)) }
    byType.set(type, [...(byType.get(type) ?? []), document])
  }
  return [...byType].map(([type, documents]) => ({ name: `LLM KV ${type}`, kind: 'tensor', documents }))
}

function filesIn(directory: string, accepts: (name: string) => boolean): string[] {
  return existsSync(directory) ? readdirSync(directory).filter(accepts).sort() : []
}
