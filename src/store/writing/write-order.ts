/** A call that writes, from its acceptance until it is dispatched. */
export interface OrderedWrite<Op> {
  readonly operations: readonly Op[]
  /** Comes after every write accepted before it, and before every one accepted after it. */
  readonly isBarrier: boolean
  /** What a barrier does, if anything, before it is dispatched. */
  readonly work: (() => Promise<void>) | undefined
  /** How many earlier writes, and values that are being sealed, it still waits for. */
  waitsFor: number
  /** Later writes that wait for this one. */
  readonly followers: OrderedWrite<Op>[]
  failure: { readonly error: unknown } | undefined
}

/**
 * Keeps writes in order: those to one key are dispatched in the order of their calls, even while the value of an earlier one is being
 * compressed off the main thread. Writes to other keys do not wait for it.
 */
export class WriteOrder<Op, Write extends OrderedWrite<Op>> {
  readonly #nameOf: (operation: Op) => string
  readonly #dispatch: (write: Write) => void
  /**
   * The last barrier that has not been dispatched yet. It waits for all such writes before it: so they need not be remembered for what is accepted
   * later.
   */
  #lastBarrier: Write | undefined
  /** Writes after that which have not been dispatched yet: none unless values are being sealed off the main thread, or a barrier waits or works. */
  readonly #sinceBarrier = new Set<Write>()
  /** The last blocked write of a key, by the key's name. */
  readonly #lastOfKey = new Map<string, Write>()

  /** @param dispatch called once for every write, when its turn has come; its `failure` says if something it waited for has failed */
  constructor(nameOf: (operation: Op) => string, dispatch: (write: Write) => void) {
    this.#nameOf = nameOf
    this.#dispatch = dispatch
  }

  /** Whether a write that has nothing of its own to wait for may be dispatched at once. */
  get isFree(): boolean {
    return this.#lastBarrier === undefined && this.#sinceBarrier.size === 0
  }

  /** @param preparing what has to be done before the write is dispatched; empty for a write with `work` */
  accept(write: Write, preparing: readonly Promise<void>[]): void {
    for (const promise of preparing) this.#dispatchAfter(promise, write)
    if (!this.isFree) this.#awaitEarlier(write)
    if (write.waitsFor === 0 && write.work === undefined) return this.#dispatch(write)
    this.#block(write)
    if (write.waitsFor === 0) this.#dispatchAfter(write.work!(), write)
  }

  #dispatchAfter(promise: Promise<void>, write: Write): void {
    const done = () => {
      if (--write.waitsFor === 0) this.#dispatchWithFollowers(write)
    }
    write.waitsFor++
    promise.then(done, (error: unknown) => {
      write.failure = { error }
      done()
    })
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
    if (write.isBarrier) {
      this.#lastBarrier = write
      this.#sinceBarrier.clear()
    } else this.#sinceBarrier.add(write)
    for (const operation of write.operations) this.#lastOfKey.set(this.#nameOf(operation), write)
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
      if (--next.waitsFor > 0) continue // Counted down here and not earlier: otherwise a later call could be dispatched first.
      if (next.work !== undefined) this.#dispatchAfter(next.work(), next)
      else dispatch(next)
    }
  }

  #unblock(write: Write): void {
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
