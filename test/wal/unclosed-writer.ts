/* Opens a log in the directory that it is told, appends ten records, and goes away without closing it: `node unclosed-writer.js DIRECTORY FSYNC` */
import { Record, Wal } from '../../src/index.js'

const [dir, fsync] = process.argv.slice(2) as [string, 'always' | 'interval' | 'os']
// Longer than the test waits, so that the timer of the interval is still set at the end.
const { wal } = await Wal.open({ dir, fsync, fsyncIntervalMs: 1_000_000 })
void wal.read({ follow: true }).next()
for (let i = 1; i <= 10; i++) await wal.append(Record.put(String(i), 'value'))
await wal.get(1)
