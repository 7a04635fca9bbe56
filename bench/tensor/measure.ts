import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { askChild } from '../wal/child.js'
import { contendersFor } from './contenders.js'
import type { CallsReply, CallsRequest, Times } from './measure-child.js'
import type { Tensor } from './tensors.js'

const CHILD = new URL('./measure-child.js', import.meta.url)

export interface Measured {
  readonly name: string
  /** Raw bytes over compressed bytes: larger is better. */
  readonly ratio: number
  readonly encode: Times
  readonly decode: Times
}

/** Measures every contender on one tensor, each in a process of its own: in a common one they would collect each other's garbage. */
export function measureAll({ dtype, bytes }: Tensor): Promise<Measured[]> {
  return inTemporaryDirectory(async directory => {
    const file = join(directory, 'tensor')
    writeFileSync(file, bytes)
    const measured: Measured[] = []
    for (const { name } of await contendersFor(dtype)) {
      const request: CallsRequest = { contender: name, dtype, file }
      const { compressedBytes, encode, decode } = await askChild<CallsReply>(CHILD, [], request)
      measured.push({ name, ratio: bytes.length / compressedBytes, encode, decode })
    }
    return measured
  })
}
