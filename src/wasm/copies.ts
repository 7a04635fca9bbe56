import {
  add,
  type Code,
  decrease,
  goWhen,
  greater,
  increase,
  less,
  load64,
  load8,
  type Local,
  loop,
  set,
  store64,
  store8,
  sub,
  when
} from './assembler.js'

/* Copies are mostly of few bytes: a mispredicted branch on the length takes longer than copying a few bytes more. */

const WORD_BYTES = 8
/** A copy writes up to this many bytes beyond its end. */
export const COPY_SLACK_BYTES = 4 * WORD_BYTES

/**
 * Copies two words at a time, and at least two, so that most copies take one turn of the loop. `from` may overlap `to` if it lies at least a word
 * before it.
 *
 * @param i a variable to count with
 */
export function copy(to: Local, from: Local, length: Local, i: Local): Code {
  return [set(i, 0), copyOn(to, from, length, i)]
}

/** Copies from `offset` bytes before `to`, and so repeats what lies between if `length` is larger. `offset` is not 0. Changes `from`. */
export function copyMatch(to: Local, from: Local, length: Local, offset: Local, i: Local): Code {
  return when(less(offset, WORD_BYTES), repeat(to, from, length, offset, i), copy(to, from, length, i))
}

function copyOn(to: Local, from: Local, length: Local, i: Local): Code {
  return loop(again => [
    store64(add(to, i), load64(add(from, i))),
    store64(add(to, i), load64(add(from, i), WORD_BYTES), WORD_BYTES),
    increase(i, 2 * WORD_BYTES),
    goWhen(again, less(i, length))
  ])
}

/** Copies from less than a word before `to`: a word byte by byte, then two words at a time from as many whole repeats before as make up a word. */
function repeat(to: Local, from: Local, length: Local, offset: Local, i: Local): Code {
  return [
    set(i, 0),
    loop(again => [store8(add(to, i), load8(add(from, i))), increase(i, 1), goWhen(again, less(i, WORD_BYTES))]),
    when(greater(length, WORD_BYTES), [
      loop(again => [decrease(from, offset), goWhen(again, less(sub(to, from), WORD_BYTES))]),
      copyOn(to, from, length, i)
    ])
  ]
}
