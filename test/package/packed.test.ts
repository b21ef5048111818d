import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { linkPacked, type LinkedConsumer } from './linked'
import { compiler, compilerFiles, coreProgram, exported, reactProgram, typedCore, typedReact } from './programs'

/** The packed package in seconds and without a network; `npm run test:package` installs it as its users do. */

const BUILD_TIMEOUT_MS = 120_000
const PACKAGES = ['@reduxjs/toolkit', 'redux-persist', 'socket.io-client', 'react', 'react-dom', 'react-redux', '@types/react']
const SPECIFIER = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\()(['"])([^'"]+)\1/g

const shown = [{ id: expect.any(String) as unknown, content: 'hi', status: 'pending' }]

let app: LinkedConsumer

beforeAll(async () => { app = await linkPacked(PACKAGES) }, BUILD_TIMEOUT_MS)
afterAll(() => app?.remove())

const files = (): string[] => readdirSync(app.library, { recursive: true, encoding: 'utf8' })
const read = (name: string): string => readFileSync(join(app.library, name), 'utf8')

/** The packages that the built files of this kind import. */
function importedBy(kind: RegExp): string[] {
  const names = files().filter((name) => kind.test(name))
    .flatMap((name) => [...read(name).matchAll(SPECIFIER)].map((match) => match[2] ?? ''))
  return [...new Set(names)].filter((name) => !name.startsWith('.'))
}

describe('the packed package', () => {
  it('has every file that its manifest names', () => {
    const named = JSON.stringify([manifest.exports, manifest.main, manifest.module, manifest.types]).match(/\.\/dist\/[^"]+/g) ?? []
    expect(named.filter((name) => !files().includes(name.slice(2)))).toEqual([])
  })

  it.each(['react', 'testing'])('redux-chat/%s is found by tools that do not read `exports`', async (name) => {
    const folder = JSON.parse(read(`${name}/package.json`)) as { readonly main: string; readonly module: string; readonly types: string }
    expect(Object.values({ main: folder.main, module: folder.module, types: folder.types }).map((path) => join(name, path)).filter((path) => !files().includes(path))).toEqual([])
    // Node.js resolves a path as these tools resolve a name.
    await app.write({ [`by-path-${name}.cjs`]: `console.log(JSON.stringify(Object.keys(require('./node_modules/redux-chat/${name}'))))` })
    expect(await app.node(`by-path-${name}.cjs`)).toContain(name === 'react' ? 'ChatErrorBoundary' : 'createTestEnvironment')
  })

  it.each([['code', /\.c?js$/], ['types', /\.d\.c?ts$/]])('imports its peers and nothing else in its %s', (_kind, pattern) => {
    const isPeer = (name: string): boolean => Object.keys(manifest.peerDependencies).some((peer) => name === peer || name.startsWith(`${peer}/`))
    expect(importedBy(pattern).filter((name) => !isPeer(name))).toEqual([])
  })

  it.each(['dist/react.js', 'dist/react.cjs'])("%s begins with 'use client'", (name) => {
    expect(read(name)).toMatch(/^['"]use client['"]/)
  })

  it('keeps React out of the core', () => {
    const reached = (name: string): string[] => [name, ...[...read(name).matchAll(SPECIFIER)].map((match) => match[2] ?? '')
      .flatMap((path) => path.startsWith('.') ? reached(join(dirname(name), path)) : [path])]
    expect(reached('dist/index.js').filter((name) => name.startsWith('react'))).toEqual([])
  })

  it.each(['mjs', 'cjs'] as const)('works in Node.js (.%s)', async (extension) => {
    const modules = extension === 'mjs' ? 'esm' : 'cjs'
    await app.write({ [`core.${extension}`]: coreProgram(modules), [`react.${extension}`]: reactProgram(modules) })
    expect(await app.node(`core.${extension}`)).toMatchObject({ reducerPath: 'chat', shown })
    expect(await app.node(`react.${extension}`)).toMatchObject({ html: '<ul><li>hi:pending</li></ul>', sharesCode: true })
  })

  it.each(Object.entries(compilerFiles))('gives its types to %s', async (project, options) => {
    await app.write({
      // Inside the library's own declarations too.
      [project]: options.replace('"skipLibCheck":true', '"skipLibCheck":false'),
      'typed/core.mts': typedCore, 'typed/core.cts': typedCore, 'typed/react.mts': typedReact, 'typed/react.cts': typedReact,
    })
    expect(await app.typeErrors(project)).toEqual([])
  })

  it.each(Object.entries(exported))('has a name for all that a project whose declarations others read may export of %s', async (entry, program) => {
    const name = entry.replace('/', '-')
    const [project, folder] = [`${name}.json`, `typed/${name}`]
    await app.write({
      [project]: compiler('ESNext', 'Bundler', [folder], { composite: true, noEmit: false, emitDeclarationOnly: true, outDir: 'out' }),
      [`${folder}/plain.ts`]: program(''),
      [`${folder}/extra.ts`]: program(", parseExtra: ({ tag }): { tag?: string } => (typeof tag === 'string' ? { tag } : {})"),
    })
    // Alone: what another file imports has a name by that.
    expect(await app.typeErrors(project)).toEqual([])
  })
})
