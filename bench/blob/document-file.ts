import { open } from 'node:fs/promises'
import { loadDocuments } from '../documents.js'

/** How many bytes are written at once. */
const PART_BYTES = 8 * 1024 * 1024

/** Makes a file of real documents, one after another, which is repeated up to `bytes`. @returns a part of it, to measure its entropy */
export async function writeDocumentFile(path: string, bytes: number, corpus: string | undefined): Promise<Buffer> {
  const sets = loadDocuments(corpus).filter(({ kind }) => kind === 'text')
  const text = Buffer.concat(sets.flatMap(({ documents }) => documents.map(({ value }) => value)))
  const file = await open(path, 'wx')
  try {
    for (let at = 0; at < bytes;) {
      const from = at % text.length
      const part = text.subarray(from, from + Math.min(PART_BYTES, bytes - at))
      await file.write(part)
      at += part.length
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return text.subarray(0, PART_BYTES)
}
