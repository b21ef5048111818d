import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { mutants } from './mutants'

describe('deliberate bugs', () => {
  it('each one still applies, at one place: code that moved takes its mutants along', () => {
    const astray = mutants.filter(({ file, find }) => readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8').split(find).length !== 2)
    expect(astray.map(({ name, file }) => `${name} (${file})`)).toEqual([])
  })
})
