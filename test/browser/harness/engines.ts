import { existsSync } from 'node:fs'
import type { Browser, EngineName, LaunchOptions } from './driver'
import { launchPuppeteer } from './puppeteer'
import { launchWebKit, WEBKIT_DRIVER } from './webkit'

const NAMES: readonly EngineName[] = ['chromium', 'firefox', 'webkit']

const MINI_BROWSERS = ['x86_64', 'aarch64'].flatMap((machine) =>
  ['4.1', '4.0'].map((version) => `/usr/lib/${machine}-linux-gnu/webkit2gtk-${version}/MiniBrowser`))

/** Each line: one of these files must be there. */
const NEEDS: Readonly<Record<EngineName, readonly (readonly string[])[]>> = {
  chromium: [['/usr/bin/chromium']],
  firefox: [['/usr/bin/firefox-esr']],
  webkit: [[WEBKIT_DRIVER], MINI_BROWSERS, ['/usr/bin/Xvfb']],
}

export type Feature = 'kept profile'

/** What an engine cannot do here, and why; every scenario that needs it reports this line by name. */
const LACKS: Readonly<Record<EngineName, Partial<Record<Feature, string>>>> = {
  chromium: {},
  firefox: {},
  webkit: { 'kept profile': 'MiniBrowser under automation keeps its storage in memory, so nothing outlives its process' },
}

/** The engines to use: all, or those in `BROWSERS=chromium,firefox`. */
export function chosenEngines(): readonly EngineName[] {
  const wanted = process.env['BROWSERS']?.split(',').map((name) => name.trim()).filter(Boolean)
  const unknown = wanted?.find((name) => !NAMES.some((known) => known === name))
  if (unknown !== undefined) throw new Error(`unable to use BROWSERS: "${unknown}" is none of ${NAMES.join(', ')}`)
  return wanted ? NAMES.filter((name) => wanted.includes(name)) : NAMES
}

/** What is not installed for this engine, or null. */
export function missing(name: EngineName): string | null {
  const lost = NEEDS[name].find((paths) => !paths.some((path) => existsSync(path)))
  return lost ? `${name} is not installed: ${lost[0]} is missing` : null
}

export const lacks = (name: EngineName, feature: Feature): string | null => LACKS[name][feature] ?? null

export function launchBrowser(name: EngineName, options: LaunchOptions = {}): Promise<Browser> {
  if (name !== 'webkit') return launchPuppeteer(name, options)
  const problem = options.profile === undefined ? null : lacks('webkit', 'kept profile')
  if (problem !== null) return Promise.reject(new Error(`unable to keep a profile: ${problem}`))
  return launchWebKit(MINI_BROWSERS.find((path) => existsSync(path)) ?? '')
}
