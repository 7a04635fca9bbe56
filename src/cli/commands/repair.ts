import { repair } from '../../index.js'
import { type CommonOptions, type Context, withBar } from '../context.js'
import { databaseAt } from '../database/classic-level.js'
import { filesOf } from '../database/database-files.js'
import { lostDirectory, repairLevelDb } from '../database/leveldb-repair.js'
import { assertRemains, TABLE } from '../database/location.js'
import { EXIT } from '../failure.js'
import { counted } from '../table.js'

const MARKER = {
  intact: "the store's marker is intact",
  rebuilt: "the store's marker was lost, damaged or an old one, and is made anew",
  none: 'no value shows that a store has written to it'
}

/** Repairs a LevelDB database, and then the store in it. */
export async function repairDatabase(
  context: Context,
  location: string,
  { wal, json }: Omit<CommonOptions, 'wal'> & { readonly wal?: string | false }
): Promise<number> {
  const { signal, output } = context
  await assertRemains(location)
  await repairLevelDb(location)
  const lost = await filesOf({ from: lostDirectory(location), files: TABLE })
  const database = await databaseAt(location, false)
  const { marker } = await withBar(context, 'Reading', async bar => {
    const onProgress = ({ values }: { readonly values: number }) => bar.done(values)
    return repair(database, { signal, onProgress, ...(wal === undefined ? {} : { wal }) })
  })
  if (json) output.json({ marker, lostTables: lost })
  else {
    output.lines([
      `LevelDB has repaired its files; ${MARKER[marker]}`,
      ...(lost.length > 0
        ? [
            `${counted(lost.length, 'table')} in ${lostDirectory(location)}, damaged or never finished: what can be read of them is kept`
          ]
        : []),
      `to check all values: ckv verify ${location}`
    ])
  }
  return EXIT.ok
}
