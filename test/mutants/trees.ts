import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Mutant } from './mutant'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A folder with every file that git knows or would take, as it is now. */
export function copyTree(): string {
  const folder = mkdtempSync(join(tmpdir(), 'redux-chat-mutants-'))
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'], { cwd: ROOT, encoding: 'utf8' })
  const deleted = new Set(execFileSync('git', ['ls-files', '-z', '--deleted'], { cwd: ROOT, encoding: 'utf8' }).split('\0'))
  for (const file of listed.split('\0')) if (file && !deleted.has(file)) cpSync(join(ROOT, file), join(folder, file))
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

/** The file of a mutant before and after. */
export function mutated(folder: string, { file, find, replace, name }: Mutant): { readonly original: string; readonly text: string } {
  const original = readFileSync(join(folder, file), 'utf8')
  const found = original.split(find).length - 1
  if (found !== 1) throw new Error(`unable to apply "${name}": its text occurs ${found} times in ${file}, not once; mend test/mutants/list`)
  return { original, text: original.replace(find, () => replace) }
}

export async function withMutant<T>(folder: string, mutant: Mutant, task: () => Promise<T>): Promise<T> {
  const path = join(folder, mutant.file)
  const { original, text } = mutated(folder, mutant)
  writeFileSync(path, text)
  try {
    return await task()
  } finally {
    writeFileSync(path, original)
  }
}
