import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PREAMBLES } from './readme-preambles.mjs'

/**
 * Checks the types of the README's TypeScript, and runs it, in a project that has the library installed. The blocks of one section are one
 * program, since a block may go on where the one before it ended. Each line stands where it stands in the README, so that what a compiler or a
 * stack trace says is right there; the section's preamble fits above.
 *
 * @param root of the repository
 * @param project a directory with a tsconfig.json; everything is written below it
 * @returns how many sections there are
 */
export function checkReadme(root, project) {
  const programs = programsOf(readFileSync(join(root, 'README.md'), 'utf8'))
  const directory = join(project, 'readme')
  mkdirSync(directory)
  for (const { file, lines } of programs) writeFileSync(join(directory, `${file}.mts`), lines.join('\n'))
  const compilerOptions = { noEmit: false, sourceMap: true }
  const config = { extends: '../tsconfig.json', compilerOptions, include: ['*.mts'] }
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config))

  run(directory, programs, 'has errors', join(root, 'node_modules/typescript/bin/tsc'), '--pretty', 'false')
  for (const program of programs) {
    const what = `"${program.heading}" from line ${program.firstLine} on does not run`
    run(directory, programs, what, '--enable-source-maps', `${program.file}.mjs`)
  }
  return programs.length
}

function programsOf(readme) {
  const programs = []
  let heading
  let fence
  for (const [i, line] of readme.split('\n').entries()) {
    if (line.startsWith('```')) fence = fence === undefined ? line.slice(3) : undefined
    else if (fence === undefined && /^##? /.test(line)) heading = line.replace(/^#+ /, '')
    else if (fence === 'ts') {
      if (programs.at(-1)?.heading !== heading) programs.push(programOf(heading, i))
      programs.at(-1).lines[i] = line
    }
  }
  const unused = Object.keys(PREAMBLES).filter(name => !programs.some(program => program.heading === name))
  if (unused.length > 0) throw new Error(`no TypeScript in the README under ${unused.join(', ')}, which has a preamble`)
  return programs
}

function programOf(heading, firstIndex) {
  const lines = (PREAMBLES[heading] ?? '').split('\n')
  if (lines.length > firstIndex) throw new Error(`the preamble of ${heading} does not fit above line ${firstIndex + 1}`)
  return { heading, file: heading.replaceAll(/\W+/g, '-'), firstLine: firstIndex + 1, lines }
}

function run(directory, programs, what, ...args) {
  const options = { cwd: directory, encoding: 'utf8', timeout: 60_000 }
  const { status, signal, error, stdout, stderr } = spawnSync(process.execPath, args, options)
  if (status === 0) return
  // 13 is Node.js's for an `await` that nothing can end any more.
  const how = error?.code ?? signal ?? `exit code ${status}`
  throw new Error(`README.md: ${what} (${how})\n${inReadme(stdout + stderr, programs)}`)
}

/** A place in a program is one in the README, unless it is in the preamble. */
function inReadme(output, programs) {
  return output.replaceAll(/(?:\S*\/)?([\w-]+)\.mts[(:](\d+)[,:](\d+)\)?/g, (place, file, line, column) => {
    const program = programs.find(one => one.file === file)
    return program !== undefined && line >= program.firstLine ? `README.md:${line}:${column}` : place
  })
}
