import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface CodeBlock {
  readonly language: 'js' | 'ts' | 'tsx'
  readonly code: string
}

export const README = readFileSync(resolve(dirname(fileURLToPath(import.meta.url)), '../../README.md'), 'utf8')

/** Its code blocks, as a reader has them. */
export const codeBlocks: readonly CodeBlock[] = [...README.matchAll(/^```(js|tsx?)\n([\s\S]*?)^```$/gm)].map(([, language, code = '']) => ({
  language: language === 'js' || language === 'tsx' ? language : 'ts', code,
}))

/** The one block that has this text. */
export function blockWith(text: string): CodeBlock {
  const [block, ...others] = codeBlocks.filter(({ code }) => code.includes(text))
  if (block === undefined || others.length > 0) throw new Error(`unable to tell which block of the README is meant: "${text}" is in ${others.length + (block ? 1 : 0)}`)
  return block
}
