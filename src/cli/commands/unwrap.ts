import { inspect, unwrap } from '../../index.js'
import { type CommonOptions, type Context, withBar } from '../context.js'
import { databaseAt } from '../database/classic-level.js'
import { assertDatabase } from '../database/location.js'
import { assertMarkerNotLost } from '../database/look.js'
import { EXIT, Interruption, isInterruption } from '../failure.js'
import { counted } from '../table.js'

export async function unwrapDatabase(
  context: Context,
  location: string,
  { wal, json }: CommonOptions
): Promise<number> {
  const { signal, output } = context
  await assertDatabase(location)
  const database = await databaseAt(location, false)
  try {
    const { values } = await withBar(context, 'Unwrapping', async bar => {
      assertMarkerNotLost(await inspect(database), location)
      const onProgress = ({ values: done }: { readonly values: number }) => bar.done(done)
      return unwrap(database, { signal, onProgress, ...(wal === undefined ? {} : { wal }) })
    })
    if (json) output.json({ values })
    else await output.line(`${counted(values, 'value')} written back: ${location} is a bare LevelDB database`)
    return EXIT.ok
  } catch (error) {
    if (!isInterruption(error)) throw error
    throw new Interruption(`run 'ckv unwrap' on ${location} once more; it goes on from there`)
  } finally {
    await database.close()
  }
}
