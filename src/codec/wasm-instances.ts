import { CompressedKvError, notSupported } from '../errors.js'
import { type WasmFunction, type WasmInstance, WasmModule } from '../wasm/assembler.js'

/**
 * Makes instances of a module, which is compiled when it is first needed.
 *
 * @param what what needs the module, for the message
 * @returns a function that takes how many bytes of memory an instance is to have beyond `memoryBytes`. It throws LEVEL_NOT_SUPPORTED if WebAssembly is
 *   switched off or gets no memory: V8 reserves 10 GiB of addresses for each instance, which a limit may forbid
 */
export function wasmInstances<Exports extends object>(
  what: string,
  functions: readonly WasmFunction[],
  memoryBytes: number
): (moreBytes: number) => WasmInstance<Exports> {
  let compiled: WasmModule<Exports> | undefined
  return moreBytes => {
    try {
      compiled ??= new WasmModule<Exports>(functions, memoryBytes)
      return compiled.instance(moreBytes)
    } catch (cause) {
      throw withoutWebAssembly(what, cause)
    }
  }
}

export function withoutWebAssembly(what: string, cause: unknown): CompressedKvError {
  return notSupported(
    `${what} needs WebAssembly, which is switched off here (node --jitless), or gets no addresses for its memory (ulimit -v): ` +
      'start Node.js without these',
    cause
  )
}

/** Whether the error is one that {@link withoutWebAssembly} made. */
export function lacksWebAssembly(error: unknown): boolean {
  return error instanceof CompressedKvError && error.code === 'LEVEL_NOT_SUPPORTED'
}
