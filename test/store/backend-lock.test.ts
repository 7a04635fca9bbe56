import { expect, it, vi } from 'vitest'
import type { AnyLevel } from '../../src/store/backend/any-level.js'
import { isLocked, leftAsFound, lockBackend, unlockBackend } from '../../src/store/backend/backend-lock.js'
import { memory } from '../support/memory-store.js'

/** The types of databases and sublevels are not assignable to each other. */
const sublevel = (of: AnyLevel, name: string) => of.sublevel(name) as unknown as AnyLevel

const LOCKED = expect.objectContaining({ code: 'LEVEL_LOCKED' }) as object

it('a lock holds for the databases above and below, and for no others', () => {
  const root = memory() as AnyLevel
  const [a, b] = [sublevel(root, 'a'), sublevel(root, 'b')]
  const inner = sublevel(a, 'inner')
  const owner = {}
  lockBackend(a, owner)
  for (const overlapping of [root, a, sublevel(root, 'a'), inner]) {
    expect(() => lockBackend(overlapping, owner)).toThrow(LOCKED)
    expect(isLocked(overlapping)).toBe(true)
  }
  lockBackend(b, owner)
  expect(isLocked(memory())).toBe(false)
  unlockBackend(b, owner)
  expect([root, a, inner, b].map(isLocked)).toEqual([true, true, true, false])
  unlockBackend(a, owner)
  lockBackend(root, owner)
  expect([root, a, inner, b].map(isLocked)).toEqual([true, true, true, true])
})

it('a backend is unlocked only by who has locked it', () => {
  const root = memory()
  const owner = {}
  unlockBackend(root, owner)
  lockBackend(root, owner)
  unlockBackend(root, {})
  expect(isLocked(root)).toBe(true)
  unlockBackend(root, owner)
  expect(isLocked(root)).toBe(false)
})

it('work on a backend does not begin if that is locked', async () => {
  const root = memory()
  lockBackend(root, {})
  const work = vi.fn<() => Promise<void>>()
  await expect(leftAsFound(root, work)).rejects.toEqual(LOCKED)
  expect(work).not.toHaveBeenCalled()
})

it.each([false, true])('work on a backend leaves it unlocked, and as it was: open is %s', async wasOpen => {
  const root = memory()
  await root.open()
  if (!wasOpen) await root.close()
  const work = async (lock: () => void) => {
    expect(root.status).toBe('open')
    lock()
    expect(isLocked(root)).toBe(true)
    throw new Error('no')
  }
  await expect(leftAsFound(root, work)).rejects.toThrow('no')
  expect([isLocked(root), root.status]).toEqual([false, wasOpen ? 'open' : 'closed'])
})
