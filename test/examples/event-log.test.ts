import { expect, it } from 'vitest'
import { main } from '../../examples/event-log.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { printedBy } from './printed.js'

const HISTORY = ['ada signs up', 'bob signs up', 'ada orders a lamp', 'bob orders a chair', 'bob pays']
const NEWS = HISTORY.slice(2)

it('shows every event to the follower that began at the start, and the new ones to the other', async () => {
  const { result, lines, left } = await printedBy(main)
  expect(result).toEqual({ history: HISTORY, news: NEWS, before: 0 })
  expect(lines[0]).toBe('opened with 0 events')
  expect(lines.filter(line => line.startsWith('history:'))).toEqual(
    HISTORY.map((text, n) => `history: ${n + 1} ${text}`)
  )
  expect(lines.filter(line => line.startsWith('news:'))).toEqual(NEWS.map((text, n) => `news: ${n + 3} ${text}`))
  expect(lines).toHaveLength(1 + HISTORY.length + NEWS.length)
  expect(left).toEqual([])
})

it('goes on with the log in the directory it is given', async () => {
  const directory = temporaryDirectory()
  await printedBy(() => main([directory]))
  const { result } = await printedBy(() => main([directory]))
  expect(result).toEqual({ history: [...HISTORY, ...HISTORY], news: NEWS, before: 5 })
})
