import { describe, expect, it } from 'vitest'
import { ByteSemaphore } from '../../../adapters/blobs/byte-semaphore.js'

describe('room for bytes', () => {
  it('is given to who waits for much before who comes later and needs little', async () => {
    const room = new ByteSemaphore(10)
    const entered: string[] = []
    const enter = async (name: string, bytes: number) => {
      await room.enter(bytes)
      entered.push(name)
    }
    await enter('first', 6)
    const waiting = [enter('much', 8), enter('little', 1), enter('more', 2)]
    room.leave(6)
    await Promise.all(waiting.slice(0, 2))
    expect(entered).toEqual(['first', 'much', 'little'])
    room.leave(8)
    await waiting[2]
  })

  it('is given to a piece larger than the bound when nothing else is there', async () => {
    const room = new ByteSemaphore(10)
    await room.enter(1)
    const large = room.enter(11)!
    room.leave(1)
    await large
    room.leave(11)
    expect(room.enter(10)).toBeUndefined()
  })
})
