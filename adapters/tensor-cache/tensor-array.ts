import type { TensorDtype } from 'compressed-kv'

/** The array type of each dtype. JavaScript lacks 16-bit floats: their bits are held as integers. */
const ARRAYS = {
  bf16: Uint16Array,
  f16: Uint16Array,
  f32: Float32Array,
  f64: Float64Array,
  i8: Int8Array
} as const

export const TENSOR_DTYPES = Object.keys(ARRAYS) as TensorDtype[]

/** The typed array of a dtype: `Uint16Array` of the bits for bf16 and f16. */
export type TensorArray<D extends TensorDtype = TensorDtype> = {
  bf16: Uint16Array
  f16: Uint16Array
  f32: Float32Array
  f64: Float64Array
  i8: Int8Array
}[D]

/** A tensor with its shape. */
export interface Tensor<D extends TensorDtype = TensorDtype> {
  readonly data: TensorArray<D>
  readonly shape: readonly number[]
}

export function elementBytes(dtype: TensorDtype): number {
  return ARRAYS[dtype].BYTES_PER_ELEMENT
}

export function isTensorArray<D extends TensorDtype>(dtype: D, data: unknown): data is TensorArray<D> {
  // By name, not by class: in tests of Jest, say, arrays that native code made are of other classes.
  return ArrayBuffer.isView(data) && (data as TensorArray)[Symbol.toStringTag] === arrayName(dtype)
}

export function arrayName(dtype: TensorDtype): string {
  return ARRAYS[dtype].name
}

/** An array of zeros. */
export function newArray<D extends TensorDtype>(dtype: D, length: number): TensorArray<D> {
  return new ARRAYS[dtype](length) as TensorArray<D>
}

/** A typed array over the same memory. */
export function arrayOver<D extends TensorDtype>(
  dtype: D,
  { buffer, byteOffset, byteLength }: Uint8Array
): TensorArray<D> {
  const { BYTES_PER_ELEMENT } = ARRAYS[dtype]
  return new ARRAYS[dtype](buffer as ArrayBuffer, byteOffset, byteLength / BYTES_PER_ELEMENT) as TensorArray<D>
}

/** The bytes of an array, as a view. Numbers are copied as bytes: as floats some NaNs would change. */
export function bytesOf({ buffer, byteOffset, byteLength }: TensorArray): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
