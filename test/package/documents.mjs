import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { PREAMBLES } from './preambles.mjs'

/**
 * Checks the types of a document's TypeScript, and runs it, in a project that has the library installed. The blocks of one section are one
 * program, since a block may go on where the one before it ended. Each line stands where it stands in the document, so that what a compiler or a
 * stack trace says is right there; the section's preamble fits above.
 *
 * @param root of the repository
 * @param document its path there
 * @param project a directory with a tsconfig.json; everything is written below it
 * @returns how many sections there are
 */
export function checkDocument(root, document, project) {
  const preambles = PREAMBLES[document]
  const programs = programsOf(readFileSync(join(root, document), 'utf8'), document, preambles)
  const directory = join(project, basename(document, '.md'))
  mkdirSync(directory)
  for (const { file, lines } of programs) writeFileSync(join(directory, `${file}.mts`), lines.join('\n'))
  const compilerOptions = { noEmit: false, sourceMap: true }
  const config = { extends: '../tsconfig.json', compilerOptions, include: ['*.mts'] }
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config))

  const run = (what, ...args) => {
    const options = { cwd: directory, encoding: 'utf8', timeout: 60_000 }
    const { status, signal, error, stdout, stderr } = spawnSync(process.execPath, args, options)
    if (status === 0) return
    // 13 is Node.js's for an `await` that nothing can end any more.
    const how = error?.code ?? signal ?? `exit code ${status}`
    throw new Error(`${document}: ${what} (${how})\n${inDocument(stdout + stderr, document, programs)}`)
  }
  run('has errors', join(root, 'node_modules/typescript/bin/tsc'), '--pretty', 'false')
  for (const program of programs) {
    const what = `"${program.heading}" from line ${program.firstLine} on does not run`
    run(what, '--enable-source-maps', `${program.file}.mjs`)
  }
  return programs.length
}

function programsOf(text, document, preambles) {
  const programs = []
  let heading
  let fence
  for (const [i, line] of text.split('\n').entries()) {
    if (line.startsWith('```')) fence = fence === undefined ? line.slice(3) : undefined
    else if (fence === undefined && /^##? /.test(line)) heading = line.replace(/^#+ /, '')
    else if (fence === 'ts') {
      if (programs.at(-1)?.heading !== heading) programs.push(programOf(heading, i, preambles))
      programs.at(-1).lines[i] = line
    }
  }
  const unused = Object.keys(preambles).filter(name => !programs.some(program => program.heading === name))
  if (unused.length > 0) throw new Error(`${document}: no TypeScript under ${unused.join(', ')}, which has a preamble`)
  return programs
}

function programOf(heading, firstIndex, preambles) {
  const lines = (preambles[heading] ?? '').trim().split('\n')
  // On one line where there is no room for more: a document may begin with code.
  const above = lines.length > firstIndex ? [lines.join(';')] : lines
  return { heading, file: heading.replaceAll(/\W+/g, '-'), firstLine: firstIndex + 1, lines: above }
}

/** A place in a program is one in the document, unless it is in the preamble. */
function inDocument(output, document, programs) {
  return output.replaceAll(/(?:\S*\/)?([\w-]+)\.mts[(:](\d+)[,:](\d+)\)?/g, (place, file, line, column) => {
    const program = programs.find(one => one.file === file)
    return program !== undefined && line >= program.firstLine ? `${document}:${line}:${column}` : place
  })
}
