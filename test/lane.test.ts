import { expect, test } from 'vitest'
import { Lane } from '../src/lane.js'

test('work runs one piece after another, in the order of the calls', async () => {
  const lane = new Lane()
  const steps: string[] = []
  const work = (name: string) => async () => {
    steps.push(`${name} begins`)
    await new Promise(resolve => setTimeout(resolve, 1))
    steps.push(`${name} ends`)
    return name
  }
  expect(await Promise.all([lane.run(work('a')), lane.run(work('b'))])).toEqual(['a', 'b'])
  expect(steps).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
})

test('work that fails rejects its own call only', async () => {
  const lane = new Lane()
  const failed = lane.run(() => Promise.reject(new Error('no')))
  const next = lane.run(async () => 'next')
  await expect(failed).rejects.toThrow('no')
  expect(await next).toBe('next')
})

test('a lane is idle when all its work has ended, also work that failed', async () => {
  const lane = new Lane()
  await lane.idle()
  const ended: string[] = []
  lane.run(() => Promise.reject(new Error('no'))).catch(() => ended.push('failed'))
  void lane.run(async () => void ended.push('done'))
  await lane.idle()
  expect(ended).toEqual(['failed', 'done'])
})
