import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { createConsumer, pack, type Consumer, type Tarball } from './consumer'
import { compilerFiles, coreProgram, persistProgram, reactProgram, typedCore, typedReact, viteApp } from './programs'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

let tarball: Tarball
beforeAll(async () => { tarball = await pack() })
afterAll(() => tarball?.remove())

const id: unknown = expect.stringMatching(UUID)
const onePending = { reducerPath: 'chat', id, shown: [{ id, content: 'hi', status: 'pending' }] }

describe('the tarball', () => {
  it('holds the build and the documents, and nothing else', () => {
    const allowed = /^(?:dist\/.+|(?:react\/|testing\/)?package\.json|README\.md|LICENSE|PROTOCOL\.md|CHANGELOG\.md)$/
    expect(tarball.contents.filter((path) => !allowed.test(path))).toEqual([])
    expect(tarball.contents).toEqual(expect.arrayContaining(['package.json', 'README.md', 'LICENSE', 'PROTOCOL.md', 'CHANGELOG.md']))
  })

  it('holds every file that its manifest names', () => {
    const named = JSON.stringify([manifest.main, manifest.module, manifest.types, manifest.exports]).match(/\.\/dist\/[^"]+/g) ?? []
    expect(named.map((path) => path.slice(2)).filter((path) => !tarball.contents.includes(path))).toEqual([])
  })

  it('has a source map beside every file of code', () => {
    // The entry of the core only names what its chunk has: there is nothing to map.
    const code = tarball.contents.filter((path) => /\.c?js$/.test(path) && !/^dist\/index\.c?js$/.test(path))
    expect(code.length).toBeGreaterThanOrEqual(4)
    expect(code.filter((path) => !tarball.contents.includes(`${path}.map`))).toEqual([])
  })
})

const worlds = [{ title: 'without React', react: null }, { title: 'with React 18', react: 18 }, { title: 'with React 19', react: 19 }] as const

describe.each(worlds)('installed $title', ({ react }) => {
  let app: Consumer
  beforeAll(async () => {
    app = await createConsumer(tarball, react)
    await app.write({
      'core.mjs': coreProgram('esm'), 'core.cjs': coreProgram('cjs'), 'persist.mjs': persistProgram('esm'), 'persist.cjs': persistProgram('cjs'),
      'react.mjs': reactProgram('esm'), 'react.cjs': reactProgram('cjs'),
      'typed/core.mts': typedCore, 'typed/core-cjs.cts': typedCore,
      ...(react !== null && { 'typed/react.mts': typedReact, 'typed/react-cjs.cts': typedReact }),
      ...compilerFiles, ...viteApp(react !== null),
    })
  })
  afterAll(() => app?.remove())

  const installed = async (path: string): Promise<string> => readFile(join(app.folder, 'node_modules', path), 'utf8')

  it.each(['core.mjs', 'core.cjs'])('works in Node (%s) and lets it end', async (file) => {
    expect(await app.node(file)).toEqual({ ...onePending, testing: ['function', 'function'] })
  })

  it.each(['persist.mjs', 'persist.cjs'])('has the named constants of redux-persist (%s)', async (file) => {
    expect(await app.node(file)).toEqual(['FLUSH', 'PAUSE', 'PERSIST', 'PURGE', 'REGISTER', 'REHYDRATE'].map((name) => `persist/${name}`))
  })

  it.each(['tsconfig.node16.json', 'tsconfig.bundler.json'])('gives its types to %s', async (project) => {
    expect(await app.tsc(project)).toBe('')
  })

  it('builds into a Vite app that runs', async () => {
    await app.vite()
    expect(await app.node('dist/app.js')).toMatchObject(onePending)
  })

  if (react === null) {
    it('brings no React along', async () => {
      await expect(installed('react/package.json')).rejects.toThrow('ENOENT')
    })
    return
  }

  it(`runs against React ${react}`, async () => {
    expect(JSON.parse(await installed('react/package.json'))).toMatchObject({ version: expect.stringMatching(new RegExp(`^${react}\\.`)) })
  })

  it.each(['react.mjs', 'react.cjs'])('draws with its hooks (%s)', async (file) => {
    const { html, ...rest } = await app.node(file) as { html: string }
    expect(rest).toEqual({ ...onePending, sharesCode: true, core: 'function' })
    expect(html).toBe('<ul><li>hi:pending</li></ul>')
  })

  it.each(['react.js', 'react.cjs'])("begins with 'use client' (%s)", async (file) => {
    expect(await installed(`redux-chat/dist/${file}`)).toMatch(/^['"]use client['"];?\n/)
  })
})
