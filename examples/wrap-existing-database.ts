// A database that is already in use is wrapped: the code that uses it stays as it is, and its old values stay readable.
import { mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompressedKvStore } from 'compressed-kv'
import { Level } from 'level'

type Order = { id: number; items: { sku: string; name: string; price: number }[] }

// The application. It knows where orders go to and come from, and nothing of compression.
interface Orders {
  put(key: string, order: Order): Promise<void>
  get(key: string): Promise<Order | undefined>
}
const take = async (orders: Orders, id: number) => orders.put(`order:${id}`, order(id))
const isIntact = async (orders: Orders, id: number) =>
  JSON.stringify(await orders.get(`order:${id}`)) === JSON.stringify(order(id))

export async function main() {
  const directory = mkdtempSync(join(tmpdir(), 'ckv-example-'))
  try {
    const before = new Level<string, Order>(directory, { valueEncoding: 'json' })
    for (let id = 0; id < 500; id++) await take(before, id)
    await before.close()

    const level = new Level<string, Order>(directory, { valueEncoding: 'json' })
    const db = new CompressedKvStore(level, { codec: 'zstd' }) // The only line that is new.
    await db.compactRange('', '~')
    const bytesOfOld = bytesIn(directory)
    for (let id = 500; id < 1000; id++) await take(db, id)
    await db.compactRange('', '~')
    const bytesOfNew = bytesIn(directory) - bytesOfOld
    let intact = 0
    for (let id = 0; id < 1000; id++) intact += Number(await isIntact(db, id))
    const { written, read } = db.stats()
    await db.close()

    console.log(`500 orders from before: ${bytesOfOld} bytes on disk, in LevelDB's own Snappy blocks`)
    console.log(`500 orders since: ${bytesOfNew} bytes on disk`)
    console.log(`written: ${written.values} values of ${written.bytesIn} bytes, stored in ${written.bytesStored}`)
    console.log(`read back intact: ${intact} of ${read.values}, of which ${read.plain} were there before the store`)
    return { intact, bytesOfOld, bytesOfNew, written, read }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The same order for the same id, 3 to 8 KB of JSON. */
function order(id: number): Order {
  const random = (n: number, below: number) => (Math.imul(id * 1009 + n, 2654435761) >>> 8) % below
  const names = ['Desk lamp, brass', 'Notebook, ruled', 'Ink, blue-black', 'Chair, oak', 'Paper clips, 100']
  const item = (n: number) => ({ sku: `SKU-${random(n, 1e6)}`, name: names[n % 5]!, price: random(-n, 20_000) / 100 })
  return { id, items: Array.from({ length: 50 + random(0, 80) }, (_, n) => item(n)) }
}

const bytesIn = (directory: string) =>
  readdirSync(directory).reduce((bytes, name) => bytes + statSync(join(directory, name)).size, 0)

if (import.meta.filename === realpathSync(process.argv[1] ?? '.')) await main()
