import { execFileSync } from 'node:child_process'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryDirectory } from '../support/temporary-directory.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Compiles a program, and what it imports, into a temporary directory, so that plain node can run it: as a child process or a worker.
 *
 * @param path of its source, from the root of the project
 * @returns path of the compiled file
 */
export function compiled(path: string): string {
  const directory = temporaryDirectory()
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ type: 'module' }))
  const config = join(directory, 'tsconfig.json')
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: { noEmit: false, noCheck: true, rootDir: ROOT, outDir: directory, paths: {} },
      files: [join(ROOT, path)],
      include: []
    })
  )
  execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', config], { stdio: 'inherit' })
  return join(directory, path.replace(/\.ts$/, '.js'))
}
