import { cut, jsonSource } from '../documents/pieces.js'
import { inFlight } from '../harness/in-flight.js'
import { BARE_MEMORY, OVER_MEMORY } from './contenders.js'

/** What the parent asks for. */
export interface HeldRequest {
  readonly contender: string
  readonly valueBytes: number
  readonly totalBytes: number
  readonly corpus: string | null
}

/** How much memory the data added to this process, in bytes. */
export interface HeldReply {
  readonly rss: number
  readonly heapUsed: number
  /** Memory outside of the heap that objects in it own; Buffers' memory, arrayBuffers, is part of it. */
  readonly external: number
  readonly arrayBuffers: number
}

const IN_FLIGHT = 64

/** A process of its own for every figure: one that has held more before does not give all of it back. */
process.once('message', (request: HeldRequest) => {
  void hold(request).then(reply => process.send!(reply))
})

async function hold({ contender: name, valueBytes, totalBytes, corpus }: HeldRequest): Promise<HeldReply> {
  const contender = [BARE_MEMORY, ...OVER_MEMORY].find(known => known.name === name)!
  const pieces = cut(jsonSource(corpus ?? undefined), valueBytes)
  const database = contender.create('')
  await database.open()
  await database.put('warm-up', Buffer.from(pieces[0]!))

  const before = await settledMemory()
  const put = (i: number) => database.put(String(i).padStart(9, '0'), Buffer.from(pieces[i % pieces.length]!))
  await inFlight(totalBytes / valueBytes, IN_FLIGHT, put)
  const after = await settledMemory()
  await database.get('warm-up') // Keeps the database alive until here.
  return {
    rss: after.rss - before.rss,
    heapUsed: after.heapUsed - before.heapUsed,
    external: after.external - before.external,
    arrayBuffers: after.arrayBuffers - before.arrayBuffers
  }
}

/** Waits a little, since Buffers are freed some ticks after the collection that found them dead. */
async function settledMemory(): Promise<NodeJS.MemoryUsage> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc!()
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return process.memoryUsage()
}
