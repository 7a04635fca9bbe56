import { spawnSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { compiled } from './torture/compiled.js'

const run = (argv: string[], input = '') => spawnSync(process.execPath, argv, { encoding: 'utf8', input })

/** Node.js has a `__filename` there that is no path, and it is a global. */
describe('in a program that has no file the library loads', () => {
  let load: string
  beforeAll(() => {
    load = `import(${JSON.stringify(pathToFileURL(compiled('src/index.ts')).href)}).then(({ lz4 }) => console.log(lz4().name))`
  })

  it('given as an argument', () => {
    expect(run(['-e', load])).toMatchObject({ stderr: '', stdout: 'lz4\n' })
  })

  it('given on stdin', () => {
    expect(run([], load)).toMatchObject({ stderr: '', stdout: 'lz4\n' })
  })

  it('given to a worker', () => {
    const program = `new (require('node:worker_threads').Worker)(${JSON.stringify(load)}, { eval: true })`
    expect(run(['-e', program])).toMatchObject({ stderr: '', stdout: 'lz4\n' })
  })
})
