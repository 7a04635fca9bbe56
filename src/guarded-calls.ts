/**
 * Makes a function for calls of what a user gave, such as a listener or a meter. One that throws must not keep a value from being stored: its error
 * becomes a warning of the process, only one for each `who`, since there may be an fsync every few ms.
 */
export function guardedCalls(): (who: string, call: () => unknown) => void {
  const warned = new Set<string>()
  return (who, call) => {
    try {
      call()
    } catch (error) {
      if (warned.has(who)) return
      warned.add(who)
      process.emitWarning(`${who} threw: ${String(error)}`, 'CompressedKvWarning')
    }
  }
}
