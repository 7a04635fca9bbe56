import { CompressedKvError } from 'compressed-kv'

export function corrupt(key: string, what: string): CompressedKvError {
  return new CompressedKvError('LEVEL_CORRUPTION', `Corrupt data: blob '${key}': ${what}`)
}

export function modelMismatch(key: string, stored: string | undefined, asked: string | undefined): CompressedKvError {
  return new CompressedKvError(
    'CKV_MODEL_MISMATCH',
    `Blob '${key}' was put for ${modelText(stored)}, but is asked for with ${modelText(asked)}: pass the model that it was put for`
  )
}

function modelText(model: string | undefined): string {
  return model === undefined ? 'no model' : `model '${model}'`
}
