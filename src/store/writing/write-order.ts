/** A call that writes, from its acceptance until it is dispatched. */
export interface OrderedWrite<Op> {
  readonly operations: readonly Op[]
  /** Comes after every write accepted before it, and before every one accepted after it. */
  readonly isBarrier: boolean
  /** A barrier's own work; later writes are held back until it is done. Undefined if the barrier's work is done by whoever it is dispatched to. */
  readonly work: (() => Promise<void>) | undefined
  /** How many values that are being sealed, and earlier writes, it waits for. */
  waitsFor: number
  /** Later writes that wait for this one. */
  readonly followers: OrderedWrite<Op>[]
  failure: { readonly error: unknown } | undefined
}

/**
 * Keeps writes in order: those to one key are dispatched in the order of their calls, though the value of an earlier one may still be
 * compressed off the main thread. Others do not wait for it.
 */
export class WriteOrder<Op, Write extends OrderedWrite<Op>> {
  readonly #nameOf: (operation: Op) => string
  readonly #dispatch: (write: Write) => void
  /** How many writes wait for something; none unless values are sealed off the main thread. */
  #blocked = 0
  /** Those of them that were accepted after the last blocked barrier. */
  readonly #sinceBarrier = new Set<Write>()
  /** The last blocked write of a key, by the key's name. */
  readonly #lastOfKey = new Map<string, Write>()
  #lastBarrier: Write | undefined

  /** @param dispatch called once for every write, when its turn has come; its `failure` says if something it waited for has failed */
  constructor(nameOf: (operation: Op) => string, dispatch: (write: Write) => void) {
    this.#nameOf = nameOf
    this.#dispatch = dispatch
  }

  /** Whether a write that waits for nothing itself may be dispatched at once. */
  get isFree(): boolean {
    return this.#blocked === 0
  }

  /** @param waitsFor what has to be done before the write is dispatched; nothing if it has work of its own */
  accept(write: Write, waitsFor: readonly Promise<void>[]): void {
    for (const promise of waitsFor) {
      write.waitsFor++
      promise.then(
        () => this.#release(write),
        (error: unknown) => {
          write.failure = { error }
          this.#release(write)
        }
      )
    }
    if (this.#blocked > 0) this.#awaitEarlier(write)
    if (write.waitsFor === 0 && write.work === undefined) this.#dispatch(write)
    else {
      this.#block(write)
      if (write.waitsFor === 0) this.#begin(write)
    }
  }

  #awaitEarlier(write: Write): void {
    if (this.#lastBarrier !== undefined) follow(write, this.#lastBarrier)
    if (write.isBarrier) for (const earlier of this.#sinceBarrier) follow(write, earlier)
    for (const operation of write.operations) {
      const earlier = this.#lastOfKey.get(this.#nameOf(operation))
      if (earlier !== undefined) follow(write, earlier)
    }
  }

  #block(write: Write): void {
    this.#blocked++
    if (write.isBarrier) {
      this.#lastBarrier = write
      this.#sinceBarrier.clear()
    } else this.#sinceBarrier.add(write)
    for (const operation of write.operations) this.#lastOfKey.set(this.#nameOf(operation), write)
  }

  /** It waits for one thing less. */
  #release(write: Write): void {
    if (--write.waitsFor === 0) this.#dispatchWithFollowers(write)
  }

  /** Later writes are held back until the work is done. */
  #begin(write: Write): void {
    write.work!().then(
      () => this.#dispatchWithFollowers(write),
      (error: unknown) => {
        write.failure = { error }
        this.#dispatchWithFollowers(write)
      }
    )
  }

  /**
   * Dispatches a write, then every follower that waited for nothing else, in the order of the calls. A loop, not recursion: chains may be
   * long.
   */
  #dispatchWithFollowers(first: Write): void {
    const reached: Write[] = []
    const dispatch = (write: Write) => {
      this.#unblock(write)
      this.#dispatch(write)
      for (let i = write.followers.length - 1; i >= 0; i--) reached.push(write.followers[i] as Write)
    }
    dispatch(first)
    for (let next = reached.pop(); next !== undefined; next = reached.pop()) {
      if (--next.waitsFor > 0) continue // Counted down only in its turn: else a later call could come first.
      if (next.work !== undefined) this.#begin(next)
      else dispatch(next)
    }
  }

  #unblock(write: Write): void {
    this.#blocked--
    this.#sinceBarrier.delete(write)
    if (this.#lastBarrier === write) this.#lastBarrier = undefined
    for (const operation of write.operations) {
      const name = this.#nameOf(operation)
      if (this.#lastOfKey.get(name) === write) this.#lastOfKey.delete(name)
    }
  }
}

function follow<Op>(write: OrderedWrite<Op>, earlier: OrderedWrite<Op>): void {
  earlier.followers.push(write)
  write.waitsFor++
}
