import { type Codec, lz4, none, tensor, type TensorDtype, zstd } from 'compressed-kv'
import { bloscContenders } from './blosc.js'
import type { Contender } from './contender.js'

export const TENSOR_ZSTD = 'tensor, zstd'
export const TENSOR_LZ4 = 'tensor, lz4'

const ROUNDS = 31

/** In the order of the table. */
export async function contendersFor(dtype: TensorDtype): Promise<Contender[]> {
  return [
    named('raw copy', none()),
    named('lz4', lz4()),
    named('zstd 3', zstd()),
    ...(await bloscContenders()),
    named(TENSOR_LZ4, tensor({ dtype, codec: 'lz4' })),
    named(TENSOR_ZSTD, tensor({ dtype })),
    named('tensor, zstd 3', tensor({ dtype, codec: zstd() }))
  ]
}

function named(name: string, codec: Codec): Contender {
  return {
    name,
    compress: data => codec.compress(data),
    decompress: (data, rawLength) => codec.decompress(data, rawLength),
    rounds: ROUNDS
  }
}
