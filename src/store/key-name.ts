/** A key as a Map takes it: its bytes, one a character, so that names are equal when keys are and sort as they do. */
export function keyName(key: Buffer): string {
  return key.toString('latin1')
}
