import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

/** Names that a file exports, by a list or where they are declared. */
function exportedBy(path: string): string[] {
  const source = read(path)
  const lists = [...source.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list]) => list!.split(','))
  const declared = [...source.matchAll(/^export (?:class|interface|type|function|const) (\w+)/gm)].map(
    ([, name]) => name!
  )
  return [...lists.map(item => item.match(/(\w+)\s*$/)?.[1]), ...declared].filter(name => name !== undefined)
}

/** Text in code font: `a`, `b`. */
function namesIn(path: string): string[] {
  return [...read(path).matchAll(/`(\w+)`/g)].map(([, name]) => name!)
}

describe('the documentation', () => {
  it.each(['src/index.ts', 'adapters/blobs.ts', 'adapters/keyv.ts', 'adapters/tensor-cache.ts'])(
    'lists every name that %s exports',
    path => {
      const exported = exportedBy(path)
      expect(exported).not.toEqual([])
      expect(exported.filter(name => !namesIn('docs/api.md').includes(name))).toEqual([])
    }
  )

  it('says of every error code what to do', () => {
    const codes = [...read('src/errors.ts').matchAll(/^ {2}\| '(\w+)'/gm)].map(([, code]) => code!)
    expect(codes).not.toEqual([])
    expect(codes.filter(code => !namesIn('docs/errors.md').includes(code))).toEqual([])
  })
})
