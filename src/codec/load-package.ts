import { createRequire } from 'node:module'
import { CompressedKvError } from '../errors.js'

const require = createRequire(import.meta.url)

/** Loads a package that may be missing on this platform, on first use, with an error that says what to do. */
export function loadPackage(name: string, usedFor: string): unknown {
  try {
    return require(name)
  } catch (cause) {
    throw new CompressedKvError(
      'CKV_CODEC_UNAVAILABLE',
      `${usedFor} needs the package '${name}', which does not load on ${process.platform}-${process.arch}: ` +
        `run 'npm install ${name}' (with optional dependencies, which carry its binaries), or choose another codec`,
      { cause }
    )
  }
}
