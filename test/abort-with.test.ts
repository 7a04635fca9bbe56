import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { abortWith } from '../src/abort-with.js'
import { memory, openStore } from './support/memory-store.js'

test('a sweep and a backup leave nothing in a signal that could have stopped them', async () => {
  const { store } = await openStore()
  await store.put('k', Buffer.alloc(2000))
  const { signal } = new AbortController()
  const untouched = Reflect.ownKeys(signal)
  await store.gc.run({ signal })
  await store.backup(memory(), { signal })
  expect(Reflect.ownKeys(signal)).toEqual(untouched)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('a controller is aborted with a signal’s reason, before or after, until it is let go', () => {
  const reason = new Error('of a test')
  const late = new AbortController()
  const [first, second, third] = [new AbortController(), new AbortController(), new AbortController()]
  abortWith(first, AbortSignal.abort(reason))
  abortWith(second, late.signal)
  abortWith(third, late.signal)()
  late.abort(reason)
  expect([first.signal.reason, second.signal.reason, third.signal.aborted]).toEqual([reason, reason, false])
})
