import type { StoreEvents } from './store-events.js'

/** Emits an event, and never throws. */
export type SafeEmit = <Name extends keyof StoreEvents>(name: Name, event: StoreEvents[Name]) => void

/** A listener that throws must not keep a value from being stored: its error becomes a warning of the process, once for each kind of event. */
export function safeEmitter(store: { emit(name: string, event: object): unknown }): SafeEmit {
  const warned = new Set<string>()
  return (name, event) => {
    try {
      store.emit(name, event)
    } catch (cause) {
      if (warned.has(name)) return // One warning is enough: there may be an fsync every few ms.
      warned.add(name)
      process.emitWarning(`A listener of '${name}' threw: ${String(cause)}`, 'CompressedKvWarning')
    }
  }
}
