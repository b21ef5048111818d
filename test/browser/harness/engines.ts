import { accessSync, constants, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Browser, EngineName, LaunchOptions } from './driver'
import { launchPuppeteer } from './puppeteer'
import { launchWebKit } from './webkit'

const ENGINES: readonly EngineName[] = ['chromium', 'firefox', 'webkit']

/** All three, or those that `BROWSERS` names (`BROWSERS=chromium,firefox`). */
export function chosenEngines(): readonly EngineName[] {
  const named = process.env['BROWSERS']?.split(',').map((name) => name.trim()).filter(Boolean)
  if (named === undefined) return ENGINES
  const unknown = named.filter((name) => !ENGINES.some((engine) => engine === name))
  if (unknown.length > 0) throw new Error(`unable to run ${unknown.join(', ')}: BROWSERS takes ${ENGINES.join(', ')}`)
  return ENGINES.filter((engine) => named.includes(engine))
}

interface Installation {
  readonly launch: (options: LaunchOptions) => Promise<Browser>
  /** The programs that were looked for and are not there. */
  readonly missing: readonly string[]
}

const find = {
  chromium(): Installation {
    const executable = onPath('chromium', 'chromium-browser', 'google-chrome')
    return { missing: missingOf({ chromium: executable }), launch: (options) => launchPuppeteer('chromium', executable ?? '', options) }
  },
  firefox(): Installation {
    const executable = onPath('firefox-esr', 'firefox')
    return { missing: missingOf({ 'firefox-esr': executable }), launch: (options) => launchPuppeteer('firefox', executable ?? '', options) }
  },
  webkit(): Installation {
    const driver = onPath('WebKitWebDriver')
    const binary = miniBrowser()
    return {
      missing: missingOf({ WebKitWebDriver: driver, Xvfb: onPath('Xvfb'), MiniBrowser: binary }),
      launch: () => launchWebKit({ driver: driver ?? '', binary: binary ?? '' }),
    }
  },
} satisfies Record<EngineName, () => Installation>

/** Null when the engine can run here, else what is missing, by name. */
export function missing(engine: EngineName): string | null {
  const programs = find[engine]().missing
  return programs.length === 0 ? null : `unable to run ${engine}: ${programs.join(', ')} not installed`
}

/** What a scenario may need that not every engine has. */
export type Feature = 'kept profile'

/** Null when the engine has the feature, else why not. */
export function lacks(engine: EngineName, feature: Feature): string | null {
  const isAbsent = engine === 'webkit' && feature === 'kept profile'
  return isAbsent ? 'an automated MiniBrowser keeps its storage in memory only' : null
}

export async function launchBrowser(engine: EngineName, options: LaunchOptions = {}): Promise<Browser> {
  const problem = missing(engine)
  if (problem !== null) throw new Error(problem)
  return find[engine]().launch(options)
}

const missingOf = (programs: Record<string, string | undefined>): string[] =>
  Object.entries(programs).filter(([, path]) => path === undefined).map(([name]) => name)

const onPath = (...names: string[]): string | undefined =>
  names.flatMap((name) => (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name))).find(isExecutable)

/** WebKitGTK's own small browser lies beside the library, in a folder that each distribution names differently. */
function miniBrowser(): string | undefined {
  const roots = ['/usr/lib', '/usr/lib64', '/usr/libexec']
  return [...roots, ...roots.flatMap(foldersIn)].flatMap(foldersIn)
    .filter((folder) => /\/webkit2?gtk-[\d.]+$/.test(folder)).map((folder) => join(folder, 'MiniBrowser')).find(isExecutable)
}

function foldersIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name))
  } catch {
    return []
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
