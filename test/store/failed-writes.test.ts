import { expect, it } from 'vitest'
import { refusalOf, refuseAfterFailedWrite } from '../../src/store/backend/failed-writes.js'
import { type Method, override } from '../../src/store/backend/override.js'
import { failures } from '../support/failures.js'
import { memory } from '../support/memory-store.js'

const VALUE = Buffer.from('value')
const ioError = (message: string) => Object.assign(new Error(message), { code: 'LEVEL_IO_ERROR' })

/** A database that is watched, of which writes fail as long as there is an error, and the names of the methods that reached it. */
async function watched() {
  const level = memory()
  await level.open()
  const disk = { error: undefined as Error | undefined, reached: [] as string[] }
  const write =
    (name: string, object: object) =>
    (original: Method): Method =>
    async (...args) => {
      disk.reached.push(name)
      if (disk.error !== undefined) throw disk.error
      await original.apply(object, args)
    }
  for (const name of ['_put', '_del', '_batch', '_clear']) override(level, name, write(name, level))
  override(level, '_chainedBatch', make => () => {
    const batch = make.call(level) as object
    override(batch, '_write', write('_write', batch))
    return batch
  })
  refuseAfterFailedWrite(level)
  return { level, disk }
}

type Watched = Awaited<ReturnType<typeof watched>>['level']

const WRITES: Record<string, (level: Watched) => Promise<void>> = {
  _put: level => level.put('k', VALUE),
  _del: level => level.del('k'),
  _batch: level => level.batch([{ type: 'put', key: 'k', value: VALUE }]),
  _clear: level => level.clear(),
  _write: level => level.batch().put('k', VALUE).write()
}

it.each(Object.keys(WRITES))('after a failed %s no write reaches the database until it is opened again', async name => {
  const { level, disk } = await watched()
  disk.error = ioError('first')
  await expect(WRITES[name]!(level)).rejects.toThrow('first')
  disk.error = undefined
  disk.reached = []
  const refused = await failures(Object.values(WRITES).map(write => write(level)))
  for (const error of refused) expect(error).toMatchObject({ code: 'LEVEL_IO_ERROR', cause: { message: 'first' } })
  expect([refused.length, disk.reached]).toEqual([5, []])
  await level.close()
  expect(refusalOf(level)).toBeUndefined()
  await level.open()
  for (const write of Object.values(WRITES)) await write(level)
  expect(new Set(disk.reached)).toEqual(new Set(Object.keys(WRITES)))
})

it('a write that was under way when another failed counts as failed, and the first error is the one that is told', async () => {
  const { level, disk } = await watched()
  const underWay = level.put('a', VALUE)
  disk.error = ioError('first')
  const failed = level.put('b', VALUE)
  disk.error = ioError('second')
  const failedToo = level.put('c', VALUE)
  const [one, two, three] = await failures([failed, failedToo, underWay])
  expect([one, two]).toMatchObject([{ message: 'first' }, { message: 'second' }])
  expect(three).toMatchObject({ cause: { message: 'first' } })
  expect(refusalOf(level)).toMatchObject({ cause: { message: 'first' } })
})

it('an error that is none of the disk changes nothing', async () => {
  const { level, disk } = await watched()
  disk.error = new Error('of another kind')
  await expect(level.put('k', VALUE)).rejects.toThrow('of another kind')
  disk.error = undefined
  await level.put('k', VALUE)
  expect(refusalOf(level)).toBeUndefined()
})
