import { type CommonOptions, type Context, withBarBesideLines } from '../context.js'
import { entriesOf, look } from '../database/look.js'
import { putLine, lineText } from '../entry-lines.js'
import { isExpired } from '../expiry.js'
import { errorLine, EXIT, Failure, leftOut } from '../failure.js'
import { bytesOf, rangeOfPrefix, shownKey } from '../text.js'

/** Prints every entry as a line of JSON. What cannot be read, here or by `ckv import`, is left out, and named on stderr. */
export async function exportEntries(
  context: Context,
  location: string,
  { prefix = '', wal, json }: CommonOptions & { readonly prefix?: string }
): Promise<number> {
  const { output, signal, streams } = context
  const range = rangeOfPrefix(bytesOf(prefix, 'utf8'))
  let unreadable = 0
  const leaveOut = (what: string, error: unknown) => {
    unreadable++
    streams.stderr.write(errorLine(leftOut(what, error), json))
  }
  const onDamagedLog = (error: unknown) => leaveOut("what only the log has, which 'ckv wal --salvage' reads", error)
  await look(location, { wal, settle: true, onDamagedLog }, looked => {
    if (looked.dropped !== undefined) leaveOut('what LevelDB drops', new Failure(looked.dropped))
    return withBarBesideLines(context, 'Exporting', async bar => {
      for await (const entry of entriesOf(looked, bar, signal, range)) {
        const expiresAt = entry.opened?.expiresAt
        if (isExpired(expiresAt)) continue
        let line: string
        try {
          line = lineText(putLine(entry.key, await entry.value(), expiresAt))
        } catch (error) {
          leaveOut(shownKey(entry.key), error)
          continue
        }
        await output.line(line)
      }
    })
  })
  return unreadable === 0 ? EXIT.ok : EXIT.problem
}
