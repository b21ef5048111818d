import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const blocks = [...readme.matchAll(/^```(tsx?)\n([\s\S]*?)^```$/gm)].map(([, language = 'ts', code = '']) => ({ language, code }))

/** As Clerk types it: without a session nobody is signed in. */
const CLERK = `declare global {
  interface Window { Clerk: { session?: { getToken(o: { skipCache: boolean }): Promise<string | null> } | null } }
}
export {}
`

describe('README', () => {
  it('every code block compiles', () => {
    expect(blocks.length).toBeGreaterThan(6)
    mkdirSync(join(root, 'node_modules/.cache'), { recursive: true })
    const folder = mkdtempSync(join(root, 'node_modules/.cache/readme-'))
    try {
      blocks.forEach(({ language, code }, i) => writeFileSync(join(folder, `block-${i}.${language}`), `${code}\nexport {}\n`))
      writeFileSync(join(folder, 'clerk.d.ts'), CLERK)
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({
        extends: join(root, 'tsconfig.json'), include: ['*.ts', '*.tsx'],
        compilerOptions: { noUnusedLocals: false, paths: {
          'redux-chat': [join(root, 'src/index.ts')], 'redux-chat/react': [join(root, 'src/react/index.ts')], 'redux-chat/testing': [join(root, 'src/testing/index.ts')],
        } },
      }))
      execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { stdio: 'pipe', encoding: 'utf8' })
    } catch (reason) {
      expect.fail(reason instanceof Error && 'stdout' in reason ? String(reason.stdout) : String(reason))
    } finally {
      rmSync(folder, { recursive: true })
    }
  }, 60_000)

  it('adds the chat to a store in under 25 lines and to React in under 15', () => {
    const [store, react] = blocks.map(({ code }) => code.trimEnd().split('\n').length)
    expect(store).toBeLessThan(25)
    expect(react).toBeLessThanOrEqual(15)
  })

  it('every relative link leads somewhere', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, path = '']) => path)
    expect(links.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })
})
