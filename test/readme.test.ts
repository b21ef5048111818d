import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { blockWith, codeBlocks, README, type CodeBlock } from './support/readme'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/** As `@clerk/clerk-js` and its packages for frameworks declare it. */
const clerkBeside = (type: string): CodeBlock => ({ language: 'ts', code: `
import type { Clerk, IsomorphicClerkOptions } from '@clerk/shared/types'
export type Types = Clerk | IsomorphicClerkOptions
declare global { interface Window { Clerk${type} } }
` })

/** Throws what the compiler says. Plain JavaScript is checked too, where its types can be told. */
function compile(blocks: readonly CodeBlock[]): void {
  mkdirSync(join(root, 'node_modules/.cache'), { recursive: true })
  const folder = mkdtempSync(join(root, 'node_modules/.cache/readme-'))
  const check = (name: string, include: readonly string[], options: object): void => {
    writeFileSync(join(folder, name), JSON.stringify({
      extends: join(root, 'tsconfig.json'), include,
      compilerOptions: { ...options, noUnusedLocals: false, paths: {
        'redux-chat': [join(root, 'src/index.ts')], 'redux-chat/react': [join(root, 'src/react/index.ts')], 'redux-chat/testing': [join(root, 'src/testing/index.ts')],
      } },
    }))
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(folder, name)], { stdio: 'pipe', encoding: 'utf8' })
  }
  try {
    blocks.forEach(({ language, code }, i) => writeFileSync(join(folder, `block-${i}.${language}`), `${code}\nexport {}\n`))
    check('tsconfig.json', ['*.ts', '*.tsx'], {})
    if (blocks.some(({ language }) => language === 'js')) check('plain.json', ['*.js'], { allowJs: true, checkJs: true, noImplicitAny: false })
  } catch (reason) {
    throw new Error(reason instanceof Error && 'stdout' in reason ? String(reason.stdout) : String(reason), { cause: reason })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('README', () => {
  it('every code block compiles', () => {
    expect(codeBlocks.length).toBeGreaterThan(6)
    compile(codeBlocks)
  }, 60_000)

  it.each(['?: Clerk', ": IsomorphicClerkOptions['Clerk']"])('the recipe for Clerk compiles beside its own types (%s)', (type) => {
    compile([blockWith('ClerkInPage'), clerkBeside(type)])
  }, 60_000)

  it('adds the chat to a store in under 25 lines and to React in under 15, with a server in 35', () => {
    const linesOf = ({ code }: CodeBlock): number => code.trimEnd().split('\n').length
    expect(linesOf(blockWith('payload.id // known at once'))).toBeLessThan(25)
    expect(linesOf(blockWith('alert(error.message)'))).toBeLessThanOrEqual(15)
    expect(linesOf(blockWith('new Server('))).toBeLessThanOrEqual(35)
  })

  it('every relative link leads somewhere', () => {
    const links = [...README.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, path = '']) => path)
    expect(links.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })
})
