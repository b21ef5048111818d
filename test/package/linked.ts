import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const RUN_TIMEOUT_MS = 60_000
const DOCUMENTS = ['package.json', 'README.md', 'LICENSE', 'PROTOCOL.md', 'CHANGELOG.md']

const run = promisify(execFile)
const inRoot = (path: string): string => join(ROOT, path)

/** Without the runner's own variables: they would choose the development build of a dependency, or a folder. */
const environment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:npm_|VITEST|NODE_ENV$|NODE_OPTIONS$)/i.test(name)))

async function command(folder: string, program: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(program, args, { cwd: folder, timeout: RUN_TIMEOUT_MS, env: environment() })
    .catch((error: Error & { stdout?: string; stderr?: string }) => {
      throw new Error(`${error.message}\n${error.stdout ?? ''}${error.stderr ?? ''}`)
    })
  return stdout.trim()
}

/** A user of the packed files, without an installation: the other packages are those of this repository. */
export interface LinkedConsumer {
  /** The folder of the unpacked library. */
  readonly library: string
  write(files: Readonly<Record<string, string>>): Promise<void>
  /** Runs a file with Node.js and parses what it prints; it must end by itself. */
  node(file: string): Promise<unknown>
  /** Errors in the library's types, in the program and in the project; those inside of its peers are theirs. */
  typeErrors(project: string): Promise<readonly string[]>
  remove(): Promise<void>
}

/** Builds, packs and unpacks outside the working tree, whose `dist` stays as it is; then links `packages` beside it. */
export async function linkPacked(packages: readonly string[]): Promise<LinkedConsumer> {
  const folder = await mkdtemp(join(tmpdir(), 'redux-chat-linked-'))
  const library = join(folder, 'node_modules/redux-chat')
  await unpackInto(library, await pack(folder))
  for (const name of packages) {
    const place = join(folder, 'node_modules', name)
    await mkdir(dirname(place), { recursive: true })
    await symlink(inRoot(`node_modules/${name}`), place)
  }
  return {
    library,
    write: async (files) => {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, name)), { recursive: true })
        await writeFile(join(folder, name), text)
      }
    },
    node: async (file) => JSON.parse(await command(folder, process.execPath, file)) as unknown,
    typeErrors: async (project) => {
      const compiled = command(folder, process.execPath, inRoot('node_modules/typescript/bin/tsc'), '-p', project)
      const output = await compiled.catch((error: Error) => error.message)
      return output.split('\n').filter((line) => /^(typed|node_modules\/redux-chat)\/|^error /.test(line))
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

async function pack(folder: string): Promise<string> {
  const stage = join(folder, 'stage')
  await mkdir(stage)
  for (const file of DOCUMENTS.filter((name) => existsSync(inRoot(name)))) await cp(inRoot(file), join(stage, file))
  const build = ['build', '--logLevel', 'warn', '--emptyOutDir', '--outDir', join(stage, 'dist')]
  await command(ROOT, process.execPath, inRoot('node_modules/vite/bin/vite.js'), ...build)
  const name = await command(stage, 'npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', folder)
  return join(folder, name)
}

async function unpackInto(library: string, tarball: string): Promise<void> {
  await mkdir(library, { recursive: true })
  await command(library, 'tar', '-xzf', tarball, '--strip-components=1')
}
