import { seededRandom } from './seeded-random.js'

const TITLES = ['The Lamp', 'Night Train', 'A Quiet Harbour', 'Seven Winters', 'Paper Moons', 'The Last Orchard']
const PEOPLE = ['Ada Byron', 'Grace Hopper', 'Alan Turing', 'Mary Somerville', 'Emmy Noether', 'Karl Weierstrass']
const GENRES = ['comedy', 'drama', 'crime', 'documentary', 'western']

/** JSON documents of one kind, about 260 bytes each: alone they hardly compress, beside one another they do. */
export function documents(count: number, seed = 1): Buffer[] {
  const random = seededRandom(seed)
  const one = (of: readonly string[]) => of[Math.floor(random() * of.length)]!
  return Array.from({ length: count }, (_, i) =>
    Buffer.from(
      JSON.stringify({
        identifier: Math.floor(random() * 1e9).toString(36),
        title: `${one(TITLES)} ${i}`,
        productionYear: 1950 + Math.floor(random() * 70),
        principalCast: [one(PEOPLE), one(PEOPLE)],
        genres: [one(GENRES)],
        distribution: { country: 'Nowhere', language: 'en', rating: Math.round(random() * 100) / 10 },
        thumbnail: `https://images.example.org/${Math.floor(random() * 1e9).toString(16)}.jpg`
      })
    )
  )
}

/** Keys of so many documents, in order. */
export function keyOf(i: number): string {
  return `doc:${String(i).padStart(6, '0')}`
}
