import { openStore } from './memory-store.js'
import { HeldCodec } from './user-codecs.js'

/** A store whose large values are sealed when the test says so. */
export async function heldStore() {
  const codec = new HeldCodec()
  return { codec, ...(await openStore({ codec })) }
}
