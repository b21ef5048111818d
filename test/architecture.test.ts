import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parseSync } from 'vite'

/** DESIGN, section 3: who may import whom, and what code of which kind may use. */

const SRC = fileURLToPath(new URL('../src', import.meta.url))
const MAX_LINES = 250

const PORTS: ReadonlySet<string> = new Set(['transport/transport', 'persistence/record-storage', 'persistence/tabs'])
const BASE = ['model', 'chat-error', 'policy']
const EFFECTS = [...BASE, 'actions', 'state', 'environment', 'options', 'ports', 'transport', 'persistence', 'effects']

/** Each layer with the layers it may import. Types of the environment's ports may be named anywhere below the effects. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  model: [],
  'chat-error': [],
  policy: ['model', 'policy'],
  actions: BASE,
  state: [...BASE, 'actions', 'state'],
  ports: ['model', 'environment'],
  environment: ['model', 'ports'],
  transport: [...BASE, 'environment', 'ports', 'transport'],
  persistence: [...BASE, 'environment', 'ports', 'persistence'],
  options: EFFECTS,
  effects: EFFECTS,
  'dev-tools': BASE,
  'create-environment': [...BASE, 'environment', 'ports', 'transport', 'persistence'],
  'create-chat': [...EFFECTS, 'create-environment'],
  index: [...EFFECTS, 'create-environment', 'create-chat', 'dev-tools'],
  react: [...EFFECTS, 'create-chat', 'index', 'react'],
  testing: [...EFFECTS, 'testing'],
}

/** Of these only types: nothing below the effects may run a port, and options only name what others declare. */
const TYPES_ONLY: readonly (readonly [from: string, to: string])[] = [
  ['ports', 'environment'], ['environment', 'ports'], ['options', 'effects'], ['effects', 'options'],
]

const PACKAGES: Readonly<Record<string, RegExp>> = {
  policy: /^$/,
  model: /^$/,
  state: /^@reduxjs\/toolkit$/,
  react: /^(react|react-redux|react-error-boundary|@reduxjs\/toolkit)$/,
  testing: /^$/,
}
const CORE_PACKAGES = /^(@reduxjs\/toolkit|redux-persist|socket\.io-client|uuid)$/

const IMPURE = ['Date', 'Promise', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'crypto', 'performance',
  'localStorage', 'sessionStorage', 'indexedDB', 'navigator', 'fetch', 'globalThis']
const AMBIENT = ['setTimeout', 'setInterval', 'setImmediate', 'crypto', 'localStorage', 'sessionStorage', 'indexedDB', 'navigator', 'fetch']
const NODE_ONLY = ['process', 'Buffer', 'require', '__dirname', '__filename']

interface Node { readonly type: string; readonly [key: string]: unknown }

interface Import { readonly from: string; readonly isType: boolean }

interface Source {
  readonly name: string
  readonly layer: string
  readonly text: string
  readonly nodes: readonly Node[]
  readonly imports: readonly Import[]
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'

/** Every node of the tree, except names that are only properties: `clock.fetch` is not `fetch`. */
function walk(node: Node): Node[] {
  const children = Object.entries(node).flatMap(([key, value]) => {
    const isPlainName = (key === 'property' || key === 'key') && node['computed'] !== true && node['shorthand'] !== true
    if (isPlainName && isNode(value) && value.type === 'Identifier') return []
    return (Array.isArray(value) ? value : [value]).filter(isNode)
  })
  return [node, ...children.flatMap(walk)]
}

function importOf(node: Node): Import | null {
  const source = node['source'] ?? (node.type === 'TSImportType' ? node['argument'] ?? node['source'] : undefined)
  const from = isNode(source) ? source['value'] ?? (isNode(source['literal']) ? source['literal']['value'] : undefined) : undefined
  if (typeof from !== 'string') return null
  const specifiers = Array.isArray(node['specifiers']) ? node['specifiers'].filter(isNode) : []
  const areTypes = specifiers.length > 0 && specifiers.every((one) => one['importKind'] === 'type' || one['exportKind'] === 'type')
  const isType = node.type === 'TSImportType' || node['importKind'] === 'type' || node['exportKind'] === 'type' || areTypes
  return { from, isType }
}

function layerOf(name: string): string {
  if (PORTS.has(name)) return 'ports'
  return name.includes('/') ? name.slice(0, name.indexOf('/')) : name
}

function read(path: string): Source {
  const text = readFileSync(path, 'utf8')
  const name = relative(SRC, path).replace(/\.tsx?$/, '')
  const { program, errors } = parseSync(path, text)
  if (errors[0]) throw new Error(`unable to parse ${name}: ${errors[0].message}`)
  const nodes = isNode(program) ? walk(program) : []
  return { name, layer: layerOf(name), text, nodes, imports: nodes.map(importOf).filter((one) => one !== null) }
}

const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.tsx?$/.test(path)).map((path) => read(join(SRC, path)))

const isRelative = (path: string): boolean => path.startsWith('.')

const targetLayer = (source: Source, path: string): string => {
  const target = join(dirname(source.name), path)
  return layerOf(target.replace(/^(\.|)$/, 'index'))
}

/** One line for each thing that a check finds, with the file it is in. */
const found = (check: (source: Source) => readonly string[], where: (source: Source) => boolean = () => true): string[] =>
  sources.filter(where).flatMap((source) => check(source).map((problem) => `src/${source.name}: ${problem}`))

const uses = (names: readonly string[]) => (source: Source): string[] =>
  source.nodes.filter((node) => node.type === 'Identifier' && names.includes(String(node['name']))).map((node) => `uses ${node['name']}`)

const isMember = (node: Node, object: string, property: RegExp): boolean =>
  node.type === 'MemberExpression' && isNode(node['object']) && node['object']['name'] === object &&
  isNode(node['property']) && property.test(String(node['property']['name']))

const has = (problem: string, test: (node: Node) => boolean) => (source: Source): string[] =>
  source.nodes.some(test) ? [problem] : []

const inLayers = (...layers: readonly string[]) => (source: Source): boolean => layers.includes(source.layer)

describe('architecture', () => {
  it('reads every source file', () => {
    expect(sources.length).toBeGreaterThan(30)
    expect(sources.flatMap((source) => source.imports).length).toBeGreaterThan(100)
  })

  it('every file belongs to a layer', () => {
    expect(found((source) => MAY_IMPORT[source.layer] ? [] : [`"${source.layer}" is no layer of the design: put the file into one, or add it to MAY_IMPORT`])).toEqual([])
  })

  it('imports point one way only: model <- policy, actions <- state <- effects <- create-chat <- index', () => {
    expect(found((source) => source.imports.filter(({ from }) => isRelative(from))
      .filter(({ from }) => !MAY_IMPORT[source.layer]?.includes(targetLayer(source, from)))
      .map(({ from }) => `${source.layer} must not import ${targetLayer(source, from)} (${from})`))).toEqual([])
  })

  it('where a layer may only name the types of another, it imports nothing that runs', () => {
    expect(found((source) => source.imports.filter(({ from, isType }) => isRelative(from) && !isType)
      .filter(({ from }) => TYPES_ONLY.some(([one, other]) => one === source.layer && other === targetLayer(source, from)))
      .map(({ from }) => `write "import type" for ${from}`))).toEqual([])
  })

  it('each layer imports only the packages that it is there for', () => {
    expect(found((source) => source.imports.filter(({ from }) => !isRelative(from))
      .filter(({ from }) => !(PACKAGES[source.layer] ?? CORE_PACKAGES).test(from))
      .map(({ from }) => `${source.layer} must not import the package ${from}`))).toEqual([])
  })

  it('policy/ and state/ are pure: no clock, randomness, timer, storage or promise', () => {
    const pure = inLayers('policy', 'state', 'model', 'actions')
    expect(found(uses(IMPURE), pure)).toEqual([])
    expect(found(has('uses Math.random', (node) => isMember(node, 'Math', /^random$/)), pure)).toEqual([])
    expect(found(has('is asynchronous', (node) => node['async'] === true || node.type === 'AwaitExpression'), pure)).toEqual([])
  })

  it('effects/ reach time, randomness, network and storage only through the environment', () => {
    const effects = inLayers('effects', 'options', 'create-chat', 'index')
    expect(found(uses(AMBIENT), effects)).toEqual([])
    expect(found(has('reads the clock', (node) => isMember(node, 'Date', /^now$/) || isMember(node, 'performance', /^now$/)), effects)).toEqual([])
    expect(found(has('uses Math.random', (node) => isMember(node, 'Math', /^random$/)), effects)).toEqual([])
  })

  it('nothing needs Node.js, and nothing writes to the console', () => {
    // The mode, which bundlers put in its place; there it may be missing.
    expect(new Set(found(uses(NODE_ONLY)))).toEqual(new Set(['src/policy/frozen: uses process']))
    expect(found(has('writes to the console', (node) => isMember(node, 'console', /./)))).toEqual([])
  })

  it('types are honest: no any, no non-null !, no suppressed errors', () => {
    expect(found(has('uses any', (node) => node.type === 'TSAnyKeyword'))).toEqual([])
    expect(found(has('uses the non-null !', (node) => node.type === 'TSNonNullExpression'))).toEqual([])
    expect(found(({ text }) => /@ts-(ignore|nocheck|expect-error)/.test(text) ? ['suppresses type errors'] : [])).toEqual([])
  })

  it('exports are named one by one, and classes are errors', () => {
    expect(found(has('has a default export', (node) => node.type === 'ExportDefaultDeclaration'))).toEqual([])
    expect(found(has('exports *', (node) => node.type === 'ExportAllDeclaration' && node['exported'] === null))).toEqual([])
    const isOtherClass = (node: Node): boolean =>
      /^Class(Declaration|Expression)$/.test(node.type) && !(isNode(node['superClass']) && String(node['superClass']['name']).endsWith('Error'))
    expect(found(has('has a class that is not an error', isOtherClass))).toEqual([])
  })

  it(`no file is longer than ${MAX_LINES} lines`, () => {
    expect(found(({ text }) => {
      const lines = text.split('\n').length - 1
      return lines > MAX_LINES ? [`has ${lines} lines: split it by concept`] : []
    })).toEqual([])
  })
})
