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

/* Copies of few bytes, mostly: to guess wrong how many there are takes longer than to copy more than that. */

const WORD_BYTES = 8
/** What is copied goes up to so many bytes further than it should. */
export const COPY_SLACK_BYTES = 4 * WORD_BYTES

/**
 * Two words at a time, once at least, so that most take one turn. What was just copied may be copied again, a word later.
 *
 * @param i a variable to count with
 */
export function copy(to: Local, from: Local, length: Local, i: Local): Code {
  return [set(i, 0), copyOn(to, from, length, i)]
}

/** The same from `offset` bytes before, which may be any number but 0. Changes `from`. */
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

/** From less than a word before: byte by byte until there is a word, then from as many whole repeats before. */
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
