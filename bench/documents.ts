import { corpusSets } from './documents/corpus.js'
import type { DocumentSet } from './documents/document.js'
import { jsonRecords } from './documents/json-records.js'
import { filesBySize } from './documents/size-classes.js'

/**
 * Real documents: text, code and JSON files found under node_modules by size, after either the corpus or, without one, small
 * records cut from the JSON among them. The same files in the same order on every run.
 *
 * @param corpus directory with *.jsonl, logs/*.log and llm/kv-layer*
 * @throws Error with a message for the user if there is no such directory, or nothing in it
 */
export function loadDocuments(corpus?: string): DocumentSet[] {
  return [...(corpus === undefined ? [jsonRecords()] : corpusSets(corpus)), ...filesBySize()]
}
