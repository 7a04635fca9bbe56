import {
  add,
  atMost,
  block,
  type Code,
  equal,
  go,
  increase,
  isZero64,
  less,
  load64,
  load8,
  type Local,
  loop,
  low32,
  shr,
  tee,
  trailingZeros64,
  when,
  xor64
} from './assembler.js'

const WORD_BYTES = 8

/**
 * Advances two places while their bytes are equal. In the end only `place` is exact: `other` may lag behind.
 *
 * @param end how far `place` may go
 * @param difference an i64 to compare with
 */
export function skipEqual(place: Local, other: Local, end: Local, difference: Local): Code {
  return block(done => [
    loop(again =>
      when(atMost(add(place, WORD_BYTES), end), [
        when(isZero64(tee(difference, xor64(load64(place), load64(other)))), [
          increase(place, WORD_BYTES),
          increase(other, WORD_BYTES),
          go(again)
        ]),
        // The lowest bit that differs is in the first byte that does.
        increase(place, shr(low32(trailingZeros64(difference)), 3)),
        go(done)
      ])
    ),
    loop(again =>
      when(less(place, end), [
        when(equal(load8(place), load8(other)), [increase(place, 1), increase(other, 1), go(again)])
      ])
    )
  ])
}
