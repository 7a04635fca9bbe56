import { expect, it } from 'vitest'
import { main } from '../../examples/state-files.js'
import { printedBy } from './printed.js'

it('keeps a state file byte for byte over a restart, and refuses it to another model', async () => {
  const { result, lines, left } = await printedBy(() => main(['100']))
  expect(result).toMatchObject({
    length: 12 + 4 * 100 + 2 * 2048 * 100,
    llamaState: { kind: 'sequence', version: 3, tokens: 100 },
    refused: { code: 'CKV_MODEL_MISMATCH' },
    identical: true,
    head: 12
  })
  expect(lines[0]).toBe(`${result.length} bytes in, a sequence of 100 tokens`)
  expect(lines[1]).toBe(
    "another model: Blob 'chat:7' was put for model 'tiny-llama@1f0c', but is asked for with model 'other@1': pass the model that it was put for"
  )
  expect(lines.slice(2)).toEqual(['after a restart: identical, byte for byte', '12 bytes of it read alone'])
  expect(left).toEqual([])
})
