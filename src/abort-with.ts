/**
 * Aborts a controller when a signal is aborted.
 *
 * `AbortSignal.any` would do, but up to Node.js 22 each call of it leaves something in the signal, and a program may use one signal for everything.
 *
 * @returns call this when the controller is no longer needed: the signal forgets it then
 */
export function abortWith(controller: AbortController, signal: AbortSignal | undefined): () => void {
  if (signal === undefined) return () => {}
  const abort = () => controller.abort(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return () => signal.removeEventListener('abort', abort)
}
