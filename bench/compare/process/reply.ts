/** What a child process sends back. */
export type Reply<R> = { readonly result: R } | { readonly failure: string }

/** Answers the one request that the parent sends; a failure is an answer as well. */
export function replyOnce(work: (request: never) => Promise<object>): void {
  process.once('message', request => {
    work(request as never).then(
      result => process.send!({ result } satisfies Reply<object>),
      (error: unknown) => process.send!({ failure: messageOf(error) } satisfies Reply<object>)
    )
  })
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message}: ${messageOf(error.cause)}`
}
