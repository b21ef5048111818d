import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'
import manifest from './package.json' with { type: 'json' }

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const BROWSER_TIMEOUT_MS = 120_000
const PACKAGE_TIMEOUT_MS = 300_000

const entries = {
  index: here('./src/index.ts'),
  react: here('./src/react/index.ts'),
  testing: here('./src/testing/index.ts'),
}

/** Peers stay outside, with their subpaths; all else is bundled, so that the package has no dependencies of its own. */
const peers = Object.keys(manifest.peerDependencies).map((name) => new RegExp(`^${name}(/|$)`))

const format = (name: 'es' | 'cjs', extension: string) => ({
  format: name,
  entryFileNames: `[name].${extension}`,
  chunkFileNames: `chunks/[name].${extension}`,
})

/** Writes the types beside the code: once as ES modules (`.d.ts`), once as CommonJS (`.d.cts`). */
function declarations(): Plugin {
  let outDir = ''
  return {
    name: 'declarations',
    apply: 'build',
    configResolved: (config) => { outDir = resolve(config.root, config.build.outDir, 'types') },
    closeBundle: () => {
      compileDeclarations(outDir)
      for (const file of filesIn(outDir)) {
        // Inferred types name the package that declares them; users have only the one that exports it.
        const source = readFileSync(file, 'utf8').replaceAll('import("redux")', 'import("@reduxjs/toolkit")')
        writeFileSync(file.replace(/\.d\.ts$/, '.d.cts'), withExtensions(file, source, 'cjs'))
        writeFileSync(file, withExtensions(file, source, 'js'))
      }
    },
  }
}

/** Writes a folder for each subpath, where tools look that do not read `exports`: TypeScript's `node10`, Metro before 0.82, Parcel, Jest before 28. */
function subpaths(): Plugin {
  let root = ''
  return {
    name: 'subpaths',
    apply: 'build',
    configResolved: (config) => { root = resolve(config.root, config.build.outDir, '..') },
    closeBundle: () => {
      for (const path of ['./react', './testing'] as const) {
        const { import: module, require: main } = manifest.exports[path]
        const paths = Object.entries({ main: main.default, module: module.default, types: module.types }).map(([field, file]) => [field, `.${file}`])
        mkdirSync(join(root, path), { recursive: true })
        writeFileSync(join(root, path, 'package.json'), `${JSON.stringify({ ...Object.fromEntries(paths), sideEffects: false }, null, 2)}\n`)
      }
    },
  }
}

function compileDeclarations(outDir: string): void {
  const folder = here('./node_modules/.cache/redux-chat')
  const project = join(folder, 'tsconfig.json')
  const compilerOptions = {
    noEmit: false, declaration: true, emitDeclarationOnly: true, rootDir: here('./src'), outDir,
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(project, JSON.stringify({ extends: here('./tsconfig.json'), include: [here('./src')], compilerOptions }))
  rmSync(outDir, { recursive: true, force: true })
  const { status } = spawnSync(process.execPath, [here('./node_modules/typescript/bin/tsc'), '-p', project], { stdio: 'inherit' })
  if (status !== 0) throw new Error('unable to build the types: mend the errors above')
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.d.ts')).map((name) => join(folder, name))

/** `from './model'` becomes `from './model.js'`: Node's resolution takes no shortcuts. */
function withExtensions(file: string, source: string, extension: 'js' | 'cjs'): string {
  return source.replace(/(\bfrom\s*|\bimport\s*\(?\s*)(['"])(\.[^'"]*)\2/g, (_, before: string, quote: string, path: string) => {
    const target = resolve(dirname(file), path)
    const found = [`${path}.${extension}`, `${path.replace(/\/$/, '')}/index.${extension}`]
      .find((_name, at) => existsSync(at === 0 ? `${target}.d.ts` : join(target, 'index.d.ts')))
    if (!found) throw new Error(`unable to build the types: ${relative(here('.'), file)} imports ${path}, which has none`)
    return `${before}${quote}${found}${quote}`
  })
}

const suites = {
  // A loaded machine is slow; no test asserts a time.
  test: {
    include: ['test/**/*.test.ts', 'test/**/*.test.tsx'], testTimeout: 60_000, hookTimeout: 60_000,
    setupFiles: ['test/support/properties.ts'],
    // Real sockets on a shared machine: one more try there, named in the report. Nowhere else.
    retry: process.env['CI'] ? 1 : 0,
  },
  /** Installs the packed package as its users would. */
  package: { include: ['test/package/**/*.e2e.ts'], testTimeout: PACKAGE_TIMEOUT_MS, hookTimeout: PACKAGE_TIMEOUT_MS },
  /** Real browsers, one at a time. */
  browser: {
    include: ['test/browser/**/*.e2e.ts'],
    fileParallelism: false,
    // A browser on a busy machine may miss a deadline; a retry is named in the report.
    retry: 1,
    testTimeout: BROWSER_TIMEOUT_MS,
    hookTimeout: BROWSER_TIMEOUT_MS,
  },
}

export default defineConfig(({ mode }) => ({
  resolve: {
    alias: [
      { find: /^redux-chat$/, replacement: entries.index },
      { find: /^redux-chat\/react$/, replacement: entries.react },
      { find: /^redux-chat\/testing$/, replacement: entries.testing },
    ],
  },
  plugins: [declarations(), subpaths()],
  build: {
    target: 'es2022',
    minify: false,
    sourcemap: true,
    license: { fileName: 'third-party-licenses.md' },
    lib: { entry: entries },
    rolldownOptions: {
      external: peers,
      output: [format('es', 'js'), format('cjs', 'cjs')],
      // Rolldown keeps 'use client' at the top of the entry; test/package proves it.
      onLog: (level, log, report) => { if (log.code !== 'MODULE_LEVEL_DIRECTIVE') report(level, log) },
    },
  },
  test: mode === 'browser' || mode === 'package' ? suites[mode] : suites.test,
}))
