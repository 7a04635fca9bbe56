// The log used alone: events are appended, and two followers get them as they come, one from the beginning and one from now on.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Record, Wal, type WalEntry } from 'compressed-kv'

/** @param directory where the log is kept; the next run goes on with it. Default: a temporary one */
export async function main([directory]: string[] = []) {
  const dir = directory ?? mkdtempSync(join(tmpdir(), 'ckv-example-'))
  try {
    const { wal, recovery } = await Wal.open({ dir })
    console.log(`opened with ${recovery.records} events`)
    await wal.append(event('ada', 'signs up'))
    await wal.append(event('bob', 'signs up'))

    const history = follow('history', wal.read({ follow: true }))
    const news = follow('news', wal.read({ follow: true, from: wal.position }))

    await wal.append(event('ada', 'orders a lamp'))
    // All of a batch, or nothing, and on stable storage before it resolves.
    await wal.appendBatch([event('bob', 'orders a chair'), event('bob', 'pays')], { sync: true })
    await wal.close() // The followers still read what is there, and come to their end.
    return { history: await history, news: await news, before: recovery.records }
  } finally {
    if (directory === undefined) rmSync(dir, { recursive: true, force: true })
  }
}

function event(user: string, action: string) {
  return Record.put(user, JSON.stringify({ action }))
}

async function follow(name: string, entries: AsyncIterable<WalEntry>): Promise<string[]> {
  const seen: string[] = []
  for await (const { record } of entries) {
    if (record.kind !== 'put') continue
    const { action } = JSON.parse(record.value.toString()) as { action: string }
    seen.push(`${record.key.toString()} ${action}`)
    console.log(`${name}: ${record.sequence} ${seen.at(-1)}`)
  }
  return seen
}

if (import.meta.filename === realpathSync(process.argv[1] ?? '.')) await main(process.argv.slice(2))
