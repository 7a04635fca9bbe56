import { CompressedKvError } from 'compressed-kv'

export function corrupt(key: string, what: string): CompressedKvError {
  return new CompressedKvError('LEVEL_CORRUPTION', `Corrupt data: blob '${key}': ${what}`)
}

export function modelMismatch(key: string, stored: string | undefined, asked: string | undefined): CompressedKvError {
  return new CompressedKvError(
    'CKV_MODEL_MISMATCH',
    `Blob '${key}' was put for ${modelText(stored)}, and ${modelText(asked)} asks for it`
  )
}

function modelText(model: string | undefined): string {
  return model === undefined ? 'no model' : `model '${model}'`
}
