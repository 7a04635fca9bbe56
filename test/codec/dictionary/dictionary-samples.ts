import { seededRandom } from '../../support/seeded-random.js'

const WORDS =
  'drama comedy thriller western musical horror romance war crime mystery family science fiction short'.split(' ')

/** Small JSON documents of one kind, the same ones for the same seed: about 230 bytes each. */
export function documents(count: number, seed = 1): Buffer[] {
  const random = seededRandom(seed)
  const below = (n: number) => Math.floor(random() * n)
  const words = (n: number) => Array.from({ length: n }, () => WORDS[below(WORDS.length)]).join(' ')
  return Array.from({ length: count }, (_, i) =>
    Buffer.from(
      JSON.stringify({
        id: 100_000 + i * 7 + below(7),
        title: words(1 + below(5)),
        year: 1950 + below(70),
        rating: Number((random() * 10).toFixed(1)),
        genres: [words(1), words(1)],
        poster: `https://images.example.org/posters/${below(1e9).toString(36)}.jpg`,
        synopsis: words(4 + below(8))
      })
    )
  )
}
