import type { File, FileSystem } from '../../src/fs/file-system.js'
import { SimulatedCrash } from './crashable-process.js'

/**
 * A file system as a process sees it that may die: no call begins, and none is answered, from then on. (A CrashableFileSystem alone
 * goes on with calls that were under way when it died, and lives again with the next of them.)
 */
export function mortal(fs: FileSystem, isDead: () => boolean): FileSystem {
  return proxy(fs, isDead)
}

function proxy<T extends object>(target: T, isDead: () => boolean): T {
  return new Proxy(target, {
    get(_, name) {
      const member = Reflect.get(target, name, target) as unknown
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        if (name === 'writeSync') return answer(undefined, isDead) ?? member.apply(target, args)
        if (isDead()) return Promise.reject(dead())
        return (member.apply(target, args) as Promise<unknown>).then(result => answer(result, isDead))
      }
    }
  })
}

function answer(result: unknown, isDead: () => boolean): unknown {
  if (isDead()) throw dead()
  return isFile(result) ? proxy(result, isDead) : result
}

function isFile(result: unknown): result is File {
  return typeof result === 'object' && result !== null && 'writeSync' in result
}

function dead(): SimulatedCrash {
  return new SimulatedCrash('The process is dead')
}
