import { expect, it } from 'vitest'
import { main } from '../../examples/queue.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { printedBy } from './printed.js'

it('does every job once over a restart, and deletes the segments of those that are done', async () => {
  const { result, lines, left } = await printedBy(main)
  expect(result).toMatchObject({ first: 80, second: 120, results: 200, left: 1 })
  expect(result.added).toBeGreaterThan(3)
  expect(lines).toEqual([
    `200 jobs in ${result.added} segments; 80 done, then the process ends`,
    '120 done after the restart; 200 results; 1 segment left'
  ])
  expect(left).toEqual([])
})

it('goes on in the directory it is given', async () => {
  const directory = temporaryDirectory()
  await printedBy(() => main([directory]))
  const { result } = await printedBy(() => main([directory]))
  expect(result).toMatchObject({ first: 80, second: 120, results: 200, left: 1 })
})
