import { createManualClock, createMemoryLocks, createMemoryServer, type MemoryLocks } from 'redux-chat/testing'
import type { SocketConfig } from 'redux-chat'
import { createDisk, type Disk } from './disk'
import { stream } from './draw'
import { createLedger } from './ledger'
import { browserOf, CHANNELS, SLOTS, USER_OF, type FaultName, type Plan, type Slot } from './plan'
import { createTokens } from './tokens'
import { openTab, type Tab } from './tab'

export interface Browser {
  readonly name: string
  readonly disk: Disk
  readonly locks: MemoryLocks | null
  wallOffset: number
  /** Everybody who ever signed in here. */
  readonly accounts: Set<string>
}

/** How many of a channel's messages a tab keeps in the runs with small windows. */
export const SMALL_WINDOW = 12

/** How long a message is sent by itself in the runs with short budgets. */
export const SHORT_BUDGET_MS = 8_000

export interface Sabotage {
  /** A server without a memory of ids: to see that it is noticed. */
  readonly isForgetful?: boolean
}

/** Everything of one run: people's tabs, their browsers, one server, one clock. */
export function createWorld(plan: Plan, { isForgetful = false }: Sabotage = {}) {
  const { seed, faults } = plan
  const has = (fault: FaultName): boolean => faults.includes(fault)
  const clock = createManualClock()
  const lines: string[] = []
  const reached = new Map<string, number>()
  const reach = (what: string): void => { reached.set(what, (reached.get(what) ?? 0) + 1) }
  const log = (line: string): void => { lines.push(`${Math.round(clock.monotonic())} ${line}`) }
  const tokens = createTokens(clock, stream(seed, 'tokens'), reach)
  const capabilities = ['sync', 'auth-refresh', ...(has('not_ordered') ? [] : ['ordered'])]
  const server = createMemoryServer({
    now: clock.now, capabilities, authenticate: tokens.authenticate, echo: has('echo_first') ? 'before_ack' : 'after_ack', maxPage: 50,
  })
  tokens.serve(server)
  /** Messages that the server refuses for good, unless the user asks again. */
  const refused = new Set<string>()
  server.rejectWhile(({ id }) => (refused.has(id) && !ledger.composed.get(id)?.isRetried ? { code: 'forbidden_word', retryable: false } : null))
  const config: Partial<SocketConfig> = {
    ...(has('short_budget') && { delivery: { retryForMs: SHORT_BUDGET_MS } }),
    history: has('small_window') ? { windowSize: SMALL_WINDOW, pageSize: 4 } : { pageSize: 7 },
  }
  const browsers = new Map<string, Browser>()
  for (const name of Object.keys(USER_OF)) {
    browsers.set(name, {
      name, disk: createDisk(clock, stream(seed, `disk/${name}`), reach), locks: has('no_locks') ? null : createMemoryLocks(), wallOffset: 0, accounts: new Set(),
    })
  }
  const tabs = new Map<Slot, Tab>()
  /** Every life of a page that still runs. */
  const living = new Set<Tab>()
  const ledger = createLedger()
  /** Ends of faults that last. */
  const endings = new Set<() => void>()
  let lives = 0

  /** Something that lasts: it ends after its time, or when everything heals. */
  function lasting(ms: number, end: () => void): void {
    const finish = (): void => {
      if (!endings.delete(finish)) return
      stop()
      end()
    }
    endings.add(finish)
    const stop = clock.setTimer(ms, finish)
  }

  const browser = (name: string): Browser => {
    const found = browsers.get(name)
    if (!found) throw new Error(`unable to find browser ${name}`)
    return found
  }

  function signIn(tab: Tab, userId: string): void {
    browser(browserOf(tab.slot)).accounts.add(userId)
    tab.store.dispatch(tab.chat.actions.connect({ userId }))
    for (const channelId of CHANNELS) tab.store.dispatch(tab.chat.actions.openChannel({ channelId }))
  }

  function open(slot: Slot, userId = USER_OF[browserOf(slot)] ?? 'alice'): Tab {
    const { disk, locks, name } = browser(browserOf(slot))
    const home = browser(name)
    const tab: Tab = openTab({
      name: `${slot}.${++lives}`, slot, seed, clock, server, locks, log,
      config: { ...config, getToken: tokens.getToken(() => tab.userId()) },
      openDisk: (isAlive) => disk.open(isAlive),
      wallOffset: () => home.wallOffset,
      latencyMs: has('slow_network') ? { min: 50, max: 3_000 } : { min: 1, max: 40 },
    })
    tabs.set(slot, tab)
    living.add(tab)
    signIn(tab, userId)
    return tab
  }

  function end(tab: Tab): void {
    tab.kill()
    browser(browserOf(tab.slot)).disk.reap()
    living.delete(tab)
    if (tabs.get(tab.slot) === tab) tabs.delete(tab.slot)
  }

  return {
    plan, has, clock, server, browsers, browser, tabs, living, ledger, tokens, refused, isForgetful, lines, log, reach, reached, open, end, signIn, lasting, endings,
    /** The tab of a slot, opened if there is none; null while it is frozen, when nobody can use it. */
    use(slot: Slot): Tab | null {
      const tab = tabs.get(slot) ?? open(slot)
      return tab.isFrozen() ? null : tab
    },
    slots: SLOTS,
  }
}

export type World = ReturnType<typeof createWorld>
