import type { Document } from '../../bench/documents/document.js'
import { inFlight } from '../../bench/harness/in-flight.js'
import { type Database, IN_FLIGHT } from './contenders.js'

/**
 * Reads every document and compares it with its source, byte by byte.
 *
 * @param where named in the error
 * @throws Error for the first value that is missing or different
 */
export async function verifyAll(
  database: Pick<Database, 'get'>,
  documents: readonly Document[],
  where: string,
  advance: (bytes: number) => void = () => {}
): Promise<void> {
  await inFlight(documents.length, IN_FLIGHT, async i => {
    const { key, value } = documents[i]!
    const read = await database.get(key).catch((cause: Error) => {
      throw new Error(`${where}: '${key}' cannot be read: ${cause.message}`, { cause })
    })
    if (read === undefined) throw new Error(`${where}: '${key}' was written but is missing`)
    if (!read.equals(value)) throw new Error(`${where}: '${key}' came back different from what was written`)
    advance(value.length)
  })
}
