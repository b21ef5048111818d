import { describe, expect, it } from 'vitest'
import { createBrowser, USERS, type Browser, type Mode } from '../support/tabs-world'

/* Several tabs of one browser, which come, go, crash, reload, disconnect, serve somebody else and lose their locks, on a device that may refuse. */

const RUNS = Number(process.env['TABS_RUNS'] ?? 600)
/** In which a tab looks while another moves its records: few runs meet that. */
const PINNED = [2_969]
const FROM = Number(process.env['TABS_FROM'] ?? 0)
const MODES: readonly Mode[] = ['ok', 'ok', 'full', 'denied', 'failed', 'lies', 'hangs']
const SLOTS = ['x', 'y', 'z'] as const
/** Longer than any pause in which a queue is left to whoever reloads, and than the pauses of a device that refuses. */
const REST_MS = 300_000

function twice(ids: readonly string[]): readonly string[] {
  return ids.filter((id, i) => ids.indexOf(id) !== i)
}

/** At every moment: nothing is sent by two, nothing that is gone is shown, and what is said to be stored is. */
async function checkNow(browser: Browser, hasLost: boolean): Promise<readonly string[]> {
  const problems: string[] = []
  for (const userId of USERS) {
    const living = browser.living(userId)
    const owned = living.flatMap((tab) => tab.owned().map(({ message }) => message.id))
    if (!hasLost && twice(owned).length > 0) problems.push(`two tabs may send ${twice(owned).join()}`)
    if (owned.some((id) => browser.gone.has(id))) problems.push('what is gone is back')
    const held = new Set(await browser.idsOf(userId))
    const unsaid = living.flatMap((tab) => tab.owned()).filter(({ stored, message }) => stored && !held.has(message.id))
    if (!hasLost && unsaid.length > 0) problems.push(`said to be stored: ${unsaid.map(({ message }) => message.id).join()}`)
  }
  return problems
}

/** What is on the device is shown by one tab, where its user is; and what was stored is there. */
async function checkRest(browser: Browser): Promise<readonly string[]> {
  const problems: string[] = []
  for (const userId of USERS) {
    const living = browser.living(userId)
    const isHere = living.some((tab) => tab.isOn())
    const held = await browser.idsOf(userId)
    const owned = living.flatMap((tab) => tab.owned().map(({ message }) => message.id))
    if (twice(owned).length > 0) problems.push(`at rest two tabs may send ${twice(owned).join()}`)
    const keptApart = await browser.keptApart(userId)
    const unseen = held.filter((id) => !owned.includes(id) && !browser.gone.has(id) && !keptApart.includes(id))
    if (isHere && unseen.length > 0) problems.push(`nobody shows ${unseen.slice(0, 5).join()} of ${unseen.length}`)
    const left = held.filter((id) => browser.gone.has(id) && !keptApart.includes(id))
    if (isHere && left.length > 0) problems.push(`left behind: ${left.join()}`)
    // Who has disconnected tries nothing again.
    const wanted = living.filter((tab) => tab.isOn()).flatMap((tab) => tab.owned().map(({ message }) => message.id))
    const unwritten = browser.device.mode === 'ok' ? wanted.filter((id) => !held.includes(id)) : []
    if (unwritten.length > 0) problems.push(`not written: ${unwritten.join()}`)
  }
  return problems
}

interface Run { readonly browser: Browser; hasLost: boolean }

/** Everybody looks again, and then nothing happens for a while. */
async function rest(run: Run): Promise<readonly string[]> {
  const { browser } = run
  if (browser.device.mode !== 'full') browser.become('ok')
  if (run.hasLost) for (const tab of browser.tabs.values()) {
    // Who lost its locks and disconnected learns of it when it is back.
    if (tab.user() !== '') tab.connect(tab.user())
    tab.look()
  }
  await browser.clock.advance(REST_MS)
  const problems = await checkRest(browser)
  run.hasLost = false
  return problems
}

async function act(run: Run): Promise<readonly string[]> {
  const { browser } = run
  const { pick, random, tabs, clock, become, device } = browser
  const slot = pick(SLOTS)
  const tab = tabs.get(slot)
  const step = Math.floor(random() * 28)
  if (!tab) {
    browser.open(slot).connect(pick(['alice', 'alice', 'alice', 'bob']))
    return []
  }
  const owned = tab.owned().map(({ message }) => message.id)
  if (step < 6) tab.send()
  else if (step < 8 && owned.length > 0) tab.touch(pick(owned))
  else if (step < 11 && owned.length > 0) {
    const id = pick(owned)
    browser.gone.add(id)
    // Its echo reaches whoever shows it.
    for (const other of tabs.values()) other.settle(id)
  } else if (step < 13) {
    tab.kill()
    tabs.delete(slot)
  } else if (step < 14) {
    const userId = tab.user()
    tab.kill()
    const next = browser.open(slot)
    if (userId !== '') next.connect(userId)
  } else if (step < 16) tab.leave()
  else if (step < 18) tab.connect(pick(USERS))
  else if (step < 19) tab.look()
  else if (step < 20) become(device.mode === 'ok' ? 'full' : 'ok')
  else if (step < 21 && random() < 0.3) {
    run.hasLost = tab.loseLocks() || run.hasLost
    // A page that runs again looks first.
    tab.look()
  } else if (step < 22) return rest(run)
  else if (step < 24) become(pick(MODES))
  else if (step < 26 && tab.user() !== '') {
    if (tab.isOn()) tab.disconnect()
    else tab.connect(pick([tab.user(), tab.user(), ...USERS]))
  }
  else for (let i = 0; i < 3; i++) tab.send()
  await clock.advance(0)
  return []
}

async function runTabs(index: number): Promise<readonly string[]> {
  const browser = createBrowser(index)
  const run: Run = { browser, hasLost: false }
  const { clock, pick, tabs, locks, random } = browser
  await browser.leaveBehind(pick([0, 0, 2, 250]))
  const problems: string[] = []
  for (let step = 0; step < 40 && problems.length === 0; step++) {
    problems.push(...await act(run))
    await clock.advance(pick([0, 0, 2, 5, 200, random() * 8_000]))
    problems.push(...await checkNow(browser, run.hasLost))
  }
  if (problems.length > 0) return problems
  browser.become('ok')
  browser.open('last').connect('alice')
  problems.push(...await rest(run))
  for (const tab of tabs.values()) tab.leave()
  await clock.advance(REST_MS)
  if (locks.size > 0) problems.push(`${locks.size} locks of nobody: ${[...locks.holders().keys()].join()}`)
  if (clock.pending > 0) problems.push(`${clock.pending} timers of nobody`)
  return problems
}

describe('tabs, by model', () => {
  it('G1, G2, G7, G9: whoever comes, goes, crashes or returns, each stored message is the business of one living tab, and nothing is left behind', async () => {
    for (const run of [...PINNED, ...Array.from({ length: RUNS }, (_, i) => FROM + i)]) expect([run, await runTabs(run)]).toEqual([run, []])
  }, 300_000)
})
