import { Level } from 'level'

/** A database on disk whose values are bytes. */
export function classicLevel(directory: string): Level<string, Buffer> {
  return new Level(directory, { valueEncoding: 'buffer' })
}
