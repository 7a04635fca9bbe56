import { corpusSets } from './documents/corpus.js'
import type { DocumentSet } from './documents/document.js'
import { jsonRecords } from './documents/json-records.js'
import { filesBySize } from './documents/size-classes.js'

/**
 * Real documents: those of the corpus, or without one small records cut from the JSON files of node_modules; and then the text, code and JSON files
 * of node_modules, by size. They are the same files in the same order on every run.
 *
 * @param corpus directory with *.jsonl, logs/*.log and llm/kv-layer*
 * @throws Error with a message for the user if there is no such directory, or nothing in it
 */
export function loadDocuments(corpus?: string): DocumentSet[] {
  return [...(corpus === undefined ? [jsonRecords()] : corpusSets(corpus)), ...filesBySize()]
}
