import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { PREAMBLES } from './preambles.mjs'

/**
 * Checks the types of the TypeScript of README.md and docs/, and runs it, in a project that has the library installed. The blocks of one section
 * are one program, since a block may go on where the one before it ended. Each line stands where it stands in the document, so that what a
 * compiler or a stack trace says is right there; the section's preamble fits above. The compiler is started once for all, and so is Node.js.
 *
 * @param root of the repository
 * @param project a directory with a tsconfig.json; everything is written below it
 * @returns how many sections there are
 */
export function checkDocuments(root, project) {
  const documents = ['README.md', ...readdirSync(join(root, 'docs')).map(name => `docs/${name}`)]
  const unknown = Object.keys(PREAMBLES).filter(name => !documents.includes(name))
  if (unknown.length > 0) throw new Error(`no document ${unknown.join(', ')}, which has preambles`)
  const programs = documents.flatMap(name => programsOf(readFileSync(join(root, name), 'utf8'), name))
  const directory = join(project, 'documents')
  mkdirSync(directory)
  const write = (name, text) => writeFileSync(join(directory, name), text)
  for (const { file, lines } of programs) write(`${file}.mts`, lines.join('\n'))
  const compilerOptions = { noEmit: false, sourceMap: true }
  write('tsconfig.json', JSON.stringify({ extends: '../tsconfig.json', compilerOptions, include: ['*.mts'] }))
  write('run.mjs', runnerOf(programs))

  const run = (what, ...args) => {
    const options = { cwd: directory, encoding: 'utf8', timeout: 120_000 }
    const { status, signal, error, stdout, stderr } = spawnSync(process.execPath, args, options)
    if (status === 0) return
    // 13 is Node.js's for an `await` that nothing can end any more.
    const how = error?.code ?? signal ?? `exit code ${status}`
    throw new Error(`${what} (${how})\n${inDocument(stdout + stderr, programs)}`)
  }
  run('documents have errors', join(root, 'node_modules/typescript/bin/tsc'), '--pretty', 'false')
  run('a document does not run, the last of these', '--enable-source-maps', 'run.mjs')
  return programs.length
}

function programsOf(text, document) {
  const preambles = PREAMBLES[document] ?? {}
  const programs = []
  let heading
  let fence
  for (const [i, line] of text.split('\n').entries()) {
    if (line.startsWith('```')) fence = fence === undefined ? line.slice(3) : undefined
    else if (fence === undefined && /^##? /.test(line)) heading = line.replace(/^#+ /, '')
    else if (fence === 'ts') {
      if (programs.at(-1)?.heading !== heading) programs.push(programOf(document, heading, i, preambles[heading] ?? ''))
      programs.at(-1).lines[i] = line
    }
  }
  const unused = Object.keys(preambles).filter(name => !programs.some(program => program.heading === name))
  if (unused.length > 0) throw new Error(`${document}: no TypeScript under ${unused.join(', ')}, which has a preamble`)
  return programs
}

function programOf(document, heading, firstIndex, preamble) {
  const lines = preamble.trim().split('\n')
  // On one line where there is no room for more: a document may begin with code.
  const above = lines.length > firstIndex ? [lines.join(';')] : lines
  const file = `${basename(document, '.md')}-${heading}`.replaceAll(/\W+/g, '-')
  return { document, heading, file, firstLine: firstIndex + 1, lines: above }
}

/** One after another, each in a directory of its own. What a program leaves open stays open. */
function runnerOf(programs) {
  const steps = programs.map(
    ({ document, heading, file, firstLine }) => `
console.log(${JSON.stringify(`${document}:${firstLine} ${heading}`)})
mkdirSync(new URL('${file}', import.meta.url))
process.chdir(fileURLToPath(new URL('${file}', import.meta.url)))
await import('./${file}.mjs')`
  )
  return `import { mkdirSync } from 'node:fs'\nimport { fileURLToPath } from 'node:url'\n${steps.join('\n')}\n`
}

/** A place in a program is one in its document, unless it is in the preamble. */
function inDocument(output, programs) {
  return output.replaceAll(/(?:\S*\/)?([\w-]+)\.mts[(:](\d+)[,:](\d+)\)?/g, (place, file, line, column) => {
    const program = programs.find(one => one.file === file)
    return program !== undefined && line >= program.firstLine ? `${program.document}:${line}:${column}` : place
  })
}
