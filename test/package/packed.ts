import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Builds and packs the library outside the working tree, and runs programs that use the packed file. */

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const RUN_TIMEOUT_MS = 240_000
const OUTPUT_BYTES = 16_000_000

export const inRoot = (path: string): string => join(ROOT, path)

export const exec = async (folder: string, command: string, args: readonly string[]): Promise<string> => {
  // Vitest's own environment must not decide which build of React or of a tool a consumer gets.
  const { NODE_ENV: _mode, VITEST: _vitest, ...env } = process.env
  const options = { cwd: folder, timeout: RUN_TIMEOUT_MS, maxBuffer: OUTPUT_BYTES, env }
  const { stdout } = await run(command, [...args], options).catch((error: { message: string; stdout?: string; stderr?: string }) => {
    throw new Error(`${error.message}\n${error.stdout ?? ''}${error.stderr ?? ''}`)
  })
  return stdout.trim()
}

export const node = (folder: string, ...args: readonly string[]): Promise<string> => exec(folder, process.execPath, args)

/** A tool of this repository, run in a consumer's folder. */
export const tool = (folder: string, bin: string, ...args: readonly string[]): Promise<string> =>
  node(folder, inRoot(`node_modules/${bin}`), ...args)

export interface Workspace {
  readonly path: string
  write(files: Readonly<Record<string, string>>): Promise<void>
  remove(): Promise<void>
}

export async function createWorkspace(): Promise<Workspace> {
  const path = await mkdtemp(join(tmpdir(), 'redux-chat-package-'))
  return {
    path,
    write: async (files) => {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(path, name)), { recursive: true })
        await writeFile(join(path, name), text)
      }
    },
    remove: () => rm(path, { recursive: true, force: true }),
  }
}

export interface Packed {
  readonly tarball: string
  readonly files: readonly string[]
}

/** The tarball that `npm publish` would send; `dist` of the working tree stays as it is. */
export async function pack(into: Workspace): Promise<Packed> {
  const stage = join(into.path, 'stage')
  await mkdir(stage)
  for (const file of ['package.json', 'README.md', 'LICENSE', 'PROTOCOL.md', 'CHANGELOG.md']) {
    if (existsSync(inRoot(file))) await cp(inRoot(file), join(stage, file))
  }
  await tool(ROOT, 'vite/bin/vite.js', 'build', '--logLevel', 'warn', '--emptyOutDir', '--outDir', join(stage, 'dist'))
  const [result] = JSON.parse(await exec(stage, 'npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', into.path])) as
    { filename: string; files: { path: string }[] }[]
  if (!result) throw new Error('unable to pack: npm named no tarball')
  return { tarball: join(into.path, result.filename), files: result.files.map((file) => file.path) }
}

/** A consumer without an installation: the packed files, and this repository's copies of the packages it names. */
export async function linkConsumer({ path }: Workspace, { tarball }: Packed, packages: readonly string[]): Promise<void> {
  const modules = join(path, 'node_modules')
  await mkdir(join(modules, 'redux-chat'), { recursive: true })
  await exec(path, 'tar', ['-xzf', tarball, '--strip-components=1', '-C', join(modules, 'redux-chat')])
  for (const name of packages) {
    await mkdir(dirname(join(modules, name)), { recursive: true })
    await symlink(inRoot(`node_modules/${name}`), join(modules, name))
  }
}

/** A consumer as npm makes it. */
export async function installConsumer({ path }: Workspace, { tarball }: Packed, packages: readonly string[]): Promise<void> {
  await writeFile(join(path, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  await exec(path, 'npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel', 'error', tarball, ...packages])
}
