/** The methods that abstract-level calls on a database, whichever public one the caller used. */
export type Method =
  | '_put'
  | '_del'
  | '_batch'
  | '_clear'
  | '_get'
  | '_getMany'
  | '_has'
  | '_hasMany'
  | '_iterator'
  | '_snapshot'
  | '_close'

/** A backend write is one of these: one operation, or a batch of any kind. */
export const WRITES: readonly Method[] = ['_put', '_del', '_batch']

export interface Call {
  readonly method: Method
  readonly args: readonly unknown[]
  /** Does what the database would have done. */
  readonly proceed: () => Promise<unknown>
}

type Implementation = (...args: unknown[]) => Promise<unknown>

/**
 * Puts `around` in front of methods of a database: it may delay, fail or count a call.
 *
 * @returns takes it away again
 */
export function intercept(
  database: object,
  methods: readonly Method[],
  around: (call: Call) => Promise<unknown>
): () => void {
  const target = database as Record<Method, Implementation>
  const before = methods.map(method => target[method])
  for (const [i, method] of methods.entries()) {
    const original = before[i]!
    target[method] = (...args) => around({ method, args, proceed: () => original.apply(database, args) })
  }
  return () => {
    for (const [i, method] of methods.entries()) target[method] = before[i]!
  }
}

/** Makes methods of a database reject until the returned function is called. */
export function failing(database: object, methods: readonly Method[], error: Error): () => void {
  return intercept(database, methods, () => Promise.reject(error))
}
