import { ClassicLevel } from 'classic-level'
import { CompressedKvStore, inspect, unwrap } from '../../src/index.js'
import { print } from '../torture/print.js'

/** Opens the database in a directory, in a process of its own, in one of several ways, and prints 'opened' or the code of the error. */
const [, , way, location] = process.argv as [string, string, 'bare' | 'inspect' | 'store' | 'unwrap', string]
const level = new ClassicLevel<string, Buffer>(location, { valueEncoding: 'buffer' })
const open = {
  bare: () => level.open(),
  inspect: () => inspect(level),
  store: () => new CompressedKvStore(level).open(),
  unwrap: () => unwrap(level)
}

try {
  await open[way]()
  print('opened')
} catch (error) {
  const { code, cause } = error as { code?: string; cause?: { code?: string } }
  print(cause?.code ?? code ?? String(error))
}
