import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'
import manifest from '../../../package.json' with { type: 'json' }
import { counted, limited } from '../lines'
import type { Part } from '../part'

/*
 * What a page has to load: an entry point with its chunks, bundled for a browser, minified, gzipped. Ours is built from the sources, peers
 * outside, unless they are the question. The peers bring their own connection, so ours with its peers is what compares.
 */

type Sources = Readonly<Record<string, string>>

const PREFIX = 'bench:'
const PEERS = Object.keys(manifest.peerDependencies).map((name) => new RegExp(`^${name}(/|$)`))

/** Entries that are written here, as an app would write them. */
const written = (sources: Sources) => ({
  name: 'bench-entries',
  resolveId: (id: string): string | null => (id.startsWith(PREFIX) ? `\0${id}` : null),
  load: (id: string): string | null => (id.startsWith(`\0${PREFIX}`) ? sources[id.slice(PREFIX.length + 1)] ?? null : null),
})

async function chunksOf(root: string, sources: Sources, external: readonly RegExp[]): Promise<readonly Rolldown.OutputChunk[]> {
  const result = await build({
    configFile: false, logLevel: 'silent', root, publicDir: false, plugins: [written(sources)],
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      write: false, target: 'es2022', minify: true, modulePreload: false, reportCompressedSize: false,
      rolldownOptions: {
        input: Object.fromEntries(Object.keys(sources).map((name) => [name, PREFIX + name])),
        external: [...external], preserveEntrySignatures: 'strict',
      },
    },
  })
  const outputs = Array.isArray(result) ? result : 'output' in result ? [result] : []
  return outputs.flatMap(({ output }) => output).filter((file) => file.type === 'chunk')
}

/** An entry and all that it imports. */
function reach(chunks: readonly Rolldown.OutputChunk[], name: string): ReadonlySet<Rolldown.OutputChunk> {
  const found = new Set<Rolldown.OutputChunk>()
  const add = (chunk: Rolldown.OutputChunk | undefined): void => {
    if (!chunk || found.has(chunk)) return
    found.add(chunk)
    for (const file of [...chunk.imports, ...chunk.dynamicImports]) add(chunks.find(({ fileName }) => fileName === file))
  }
  add(chunks.find((chunk) => chunk.isEntry && chunk.name === name))
  if (found.size === 0) throw new Error(`unable to measure the size of ${name}: it was not built`)
  return found
}

/** A page that has `without` already loads none of it again. */
const gzipped = (all: ReadonlySet<Rolldown.OutputChunk>, without: ReadonlySet<Rolldown.OutputChunk> = new Set()): number =>
  [...all].filter((chunk) => !without.has(chunk)).reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0)

const BARE = `
  export { configureStore, createSlice } from '@reduxjs/toolkit'
  export { io } from 'socket.io-client'
  export { persistReducer, persistStore } from 'redux-persist'
`

export const run: Part = async ({ root }) => {
  const ours = `${root}/src`
  const own = await chunksOf(root, {
    index: `export * from '${ours}/index.ts'`, react: `export * from '${ours}/react/index.ts'`, testing: `export * from '${ours}/testing/index.ts'`,
  }, PEERS)
  const alone = async (source: string): Promise<number> => gzipped(reach(await chunksOf(root, { page: source }, []), 'page'))
  const core = reach(own, 'index')
  const size = gzipped(core)
  const [page, bare, stream, ably] = [
    await alone(`export { configureStore } from '@reduxjs/toolkit'\nexport { createChat } from '${ours}/index.ts'`),
    await alone(BARE), await alone(`export { StreamChat } from 'stream-chat'`),
    await alone(`export { Realtime } from 'ably'\nexport { ChatClient } from '@ably/chat'`),
  ]
  const what = 'size, minified and gzipped'
  return [
    limited('size.core', `${what}: the core`, 'B', size, 10_000),
    limited('size.react', `${what}: ./react, on top of it`, 'B', gzipped(reach(own, 'react'), core), 2_000),
    counted({ id: 'size.testing', what: `${what}: ./testing, on top of it`, peer: '', kind: 'cost' }, 'B', gzipped(reach(own, 'testing'), core), null),
    counted({ id: 'size.stream', what: `${what}: the core`, peer: 'stream-chat', kind: 'cost' }, 'B', size, stream),
    counted({ id: 'size.ably', what: `${what}: the core and its peers`, peer: '@ably/chat and ably', kind: 'cost' }, 'B', page, ably),
    counted({ id: 'size.page', what: `${what}: the core and its peers`, peer: 'stream-chat', kind: 'cost' }, 'B', page, stream),
    counted({ id: 'size.bare', what: `${what}: the core and its peers`, peer: 'toolkit, socket.io-client and redux-persist', kind: 'cost' }, 'B', page, bare),
  ]
}
