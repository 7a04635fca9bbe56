/**
 * Aborts a controller when a signal is aborted, until what this returns is called. `AbortSignal.any` would do, but up to Node.js 22 each call leaves
 * something in the signal, and one signal may stop all that a program does.
 */
export function abortWith(controller: AbortController, signal: AbortSignal | undefined): () => void {
  if (signal === undefined) return () => {}
  const abort = () => controller.abort(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return () => signal.removeEventListener('abort', abort)
}
