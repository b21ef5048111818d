import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { createWorkspace, linkConsumer, node, pack, tool, type Packed, type Workspace } from './packed'
import { CORE_TYPES, coreProgram, REACT_TYPES, reactProgram, testingProgram } from './programs'

/** The packed package, without an installation; `npm run test:package` installs it. */

const BUILD_TIMEOUT_MS = 60_000
const CORE_PEERS = ['@reduxjs/toolkit', 'redux-persist', 'socket.io-client']
const REACT_PEERS = [...CORE_PEERS, 'react', 'react-dom', 'react-redux', '@types/react']
const SPECIFIER = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\()(['"])([^'"]+)\1/g

let home: Workspace
let packed: Packed
let plain: Workspace
let withReact: Workspace

beforeAll(async () => {
  home = await createWorkspace()
  plain = await createWorkspace()
  withReact = await createWorkspace()
  packed = await pack(home)
  await linkConsumer(plain, packed, CORE_PEERS)
  await linkConsumer(withReact, packed, REACT_PEERS)
}, BUILD_TIMEOUT_MS)

afterAll(() => Promise.all([home.remove(), plain.remove(), withReact.remove()]))

const installed = (...path: string[]): string => join(plain.path, 'node_modules/redux-chat', ...path)

/** Every package that a built file imports. */
function importedBy(pattern: RegExp): string[] {
  const files = readdirSync(installed('dist'), { recursive: true, encoding: 'utf8' }).filter((name) => pattern.test(name))
  const specifiers = files.flatMap((name) => [...readFileSync(installed('dist', name), 'utf8').matchAll(SPECIFIER)].map((match) => match[2] ?? ''))
  return [...new Set(specifiers)].filter((name) => !name.startsWith('.')).toSorted()
}

describe('the packed package', () => {
  it('has every file that package.json names, and no source, test or map of types', () => {
    const named = JSON.stringify([manifest.exports, manifest.main, manifest.module, manifest.types]).match(/\.\/[^"]+/g) ?? []
    expect(named.map((name) => name.slice(2)).filter((name) => name.startsWith('dist/') && !packed.files.includes(name))).toEqual([])
    expect(packed.files.filter((name) => !/^(dist\/|package\.json$|README\.md$|LICENSE$|PROTOCOL\.md$|CHANGELOG\.md$)/.test(name))).toEqual([])
  })

  it('imports its peers and nothing else, in code and in types', () => {
    const peers = Object.keys(manifest.peerDependencies)
    const others = (names: readonly string[]): string[] => names.filter((name) => !peers.some((peer) => name === peer || name.startsWith(`${peer}/`)))
    expect(others(importedBy(/\.c?js$/))).toEqual([])
    expect(others(importedBy(/\.d\.c?ts$/))).toEqual([])
  })

  it.each(['react.js', 'react.cjs'])("dist/%s begins with 'use client'", (name) => {
    expect(readFileSync(installed('dist', name), 'utf8')).toMatch(/^['"]use client['"]/)
  })

  it.each(['esm', 'cjs'] as const)('works in Node.js as %s, without React', async (kind) => {
    const extension = kind === 'esm' ? 'mjs' : 'cjs'
    await plain.write({ [`core.${extension}`]: coreProgram(kind), [`testing.${extension}`]: testingProgram(kind) })
    expect(await node(plain.path, `core.${extension}`)).toBe('ok')
    expect(await node(plain.path, `testing.${extension}`)).toBe('ok')
  })

  it.each(['esm', 'cjs'] as const)('works in Node.js as %s, with React', async (kind) => {
    const extension = kind === 'esm' ? 'mjs' : 'cjs'
    await withReact.write({ [`react.${extension}`]: reactProgram(kind) })
    expect(await node(withReact.path, `react.${extension}`)).toBe('ok')
  })

  it.each(['node16', 'bundler'])('type-checks with moduleResolution %s', async (moduleResolution) => {
    const compilerOptions = {
      module: moduleResolution === 'node16' ? 'node16' : 'esnext',
      moduleResolution, target: 'es2022', lib: ['es2022', 'dom'], types: [], strict: true, noEmit: true, skipLibCheck: false,
    }
    const files = ['core.mts', 'core.cts', 'react.mts', 'react.cts']
    await withReact.write({
      'core.mts': CORE_TYPES, 'core.cts': CORE_TYPES, 'react.mts': REACT_TYPES, 'react.cts': REACT_TYPES,
      'tsconfig.json': JSON.stringify({ compilerOptions, files }),
    })
    expect(await tool(withReact.path, 'typescript/bin/tsc', '-p', '.')).toBe('')
  })
})
