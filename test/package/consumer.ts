import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import manifest from '../../package.json' with { type: 'json' }

const RUN_TIMEOUT_MS = 240_000
const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

/** As a user's shell has it: nothing of the test runner or of the npm that runs it. */
const environment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:npm_|VITEST|NODE_ENV$|NODE_OPTIONS$|NODE_PATH$|DEV$|PROD$|MODE$|SSR$|TEST$|BASE_URL$)/i.test(name)))

async function command(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { stdout } = await run(program, args, { cwd, env: environment(), timeout: RUN_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 })
    .catch((reason: Error & { stdout?: string; stderr?: string }) => {
      throw new Error(`${program} ${args.join(' ')}: ${reason.message}\n${reason.stdout ?? ''}\n${reason.stderr ?? ''}`)
    })
  return stdout
}

export interface Tarball {
  readonly file: string
  /** Paths inside the package, without `package/`. */
  readonly contents: readonly string[]
  remove(): Promise<void>
}

/** Builds and packs the package as `npm publish` would. */
export async function pack(): Promise<Tarball> {
  const folder = await mkdtemp(join(tmpdir(), 'redux-chat-pack-'))
  await command('npm', ['run', 'build'], root)
  await command('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], root)
  const [name] = (await readdir(folder)).filter((each) => each.endsWith('.tgz'))
  if (!name) throw new Error('unable to pack: npm wrote no tarball')
  const listed = await command('tar', ['-tzf', join(folder, name)], folder)
  return {
    file: join(folder, name),
    contents: listed.trim().split('\n').map((path) => path.replace(/^package\//, '')),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** An app in a folder of its own, outside the repository. */
export interface Consumer {
  readonly folder: string
  write(files: { readonly [path: string]: string }): Promise<void>
  /** Runs a file with Node and parses what it prints; it must end by itself. */
  node(file: string): Promise<unknown>
  /** Compiles with the repository's TypeScript. */
  tsc(project: string): Promise<string>
  /** Builds with the repository's Vite. */
  vite(): Promise<string>
  remove(): Promise<void>
}

const tool = (path: string): string => join(root, 'node_modules', path)

const REQUIRED = ['@reduxjs/toolkit', 'redux-persist', 'socket.io-client'] as const

/** Installs the tarball and its peers; `react` is a major version, or null for an app without React. */
export async function createConsumer(tarball: Tarball, react: 18 | 19 | null): Promise<Consumer> {
  const folder = await mkdtemp(join(tmpdir(), `redux-chat-app-${react ?? 'plain'}-`))
  const peers = Object.fromEntries(REQUIRED.map((name) => [name, manifest.peerDependencies[name]]))
  const ui = react === null ? {} : {
    'react': `^${react}.0.0`, 'react-dom': `^${react}.0.0`, 'react-redux': manifest.peerDependencies['react-redux'],
    '@types/react': `^${react}.0.0`, '@types/react-dom': `^${react}.0.0`,
  }
  const write: Consumer['write'] = async (files) => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), text)
    }
  }
  await write({
    'package.json': JSON.stringify({ name: 'app', private: true, type: 'module', dependencies: { 'redux-chat': `file:${tarball.file}`, ...peers, ...ui } }),
  })
  await command('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--no-package-lock', '--loglevel=error'], folder)
  return {
    folder,
    write,
    node: async (file) => JSON.parse(await command(process.execPath, [file], folder)) as unknown,
    tsc: (project) => command(process.execPath, [tool('typescript/bin/tsc'), '-p', project], folder),
    vite: () => command(process.execPath, [tool('vite/bin/vite.js'), 'build'], folder),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
