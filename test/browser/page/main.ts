import { configureStore } from '@reduxjs/toolkit'
import { createChat } from 'redux-chat'
import { createSeededRandom } from '../../../src/testing/seeded'
import { CHANNELS, type App, type ChannelWindow, type Report } from './app'
import { createControl } from './control'
import { createUser } from './user'
import { bearWitness } from './witness'

declare global {
  interface Window {
    app: App
    /** Takes each report out of the page at once, where the browser offers that. */
    report?: (report: string) => void
  }
}

/** A message every so often, and now and then a burst. */
const PAUSE_MS = 12
const CONTROL_PAUSE_MS = 40
const BURST = { share: 0.05, size: 10 }

const query = new URLSearchParams(location.search)
/** Given: the page may be loaded again at its own address, and may change its user. */
const namedUser = query.get('user')
const tab = `${query.get('tab') ?? ''}${namedUser === null ? '' : `.${Math.random().toString(36).slice(2, 8)}`}`
const server = new URL(query.get('server') ?? location.origin)
server.searchParams.set('tab', tab)

const wallNow = Date.now.bind(Date)
let skew = 0
Date.now = () => wallNow() + skew

// The real storage, locks, lifecycle and transport; only patience is shortened, so that a faulty network costs seconds.
const chat = createChat({
  url: server.href,
  token: 'test-token',
  reconnection: { attempts: 100_000, delayMs: 150, timeoutMs: 2_000 },
  delivery: { ackTimeoutMs: 1_500, maxAttempts: 1_000, backoff: { baseMs: 100, maxMs: 1_000 } },
  ...(query.get('locks') === 'none' ? { environment: { locks: null } } : {}),
  ...(query.get('storage') === 'local' ? { storage: localStorage } : {}),
})
const store = configureStore({
  reducer: { [chat.reducerPath]: chat.reducer },
  middleware: (getDefaultMiddleware) => getDefaultMiddleware().concat(chat.middleware),
})
const { actions, selectors } = chat

const now = (): number => performance.timeOrigin + performance.now()
const reports: Report[] = []
const tell = (report: Report): void => {
  reports.push(report)
  window.report?.(JSON.stringify(report))
}

bearWitness({
  trouble: (what) => tell({ kind: 'trouble', tab, what, at: now() }),
  life: (what) => tell({ kind: 'life', tab, what, at: now() }),
})

let signedIn: string | null = null
/** Whose messages, of which life, are in order. */
const line = (): string => (namedUser === null ? tab : `${tab}/${signedIn}`)

const counts = new Map<string, number>()
const mine = new Set<string>()
const known = new Set<string>()
const storedIds = new Set<string>()
const waiting = new Map<string, () => void>()

function send(channel: string, count: number): string[] {
  return Array.from({ length: count }, () => {
    const from = line()
    const n = (counts.get(`${from} ${channel}`) ?? 0) + 1
    counts.set(`${from} ${channel}`, n)
    const at = now()
    const action = actions.sendMessage({ channelId: channel, content: `${from} ${channel} ${n}` })
    const { id } = action.payload
    mine.add(id)
    store.dispatch(action)
    tell({ kind: 'dispatched', tab: from, channel, n, id, at })
    return id
  })
}

function watch(): void {
  const outbox = selectors.selectOutbox(store.getState())
  const at = now()
  const restored: string[] = []
  for (const { id, stored } of outbox) {
    if (!mine.has(id) && !known.has(id)) restored.push(id)
    known.add(id)
    if (stored !== true || storedIds.has(id)) continue
    storedIds.add(id)
    tell({ kind: 'stored', id, at })
    waiting.get(id)?.()
  }
  if (restored.length > 0) tell({ kind: 'restored', ids: restored, at, sinceStart: at - performance.timeOrigin })
}

const bare = createControl()
async function control(count: number): Promise<number[]> {
  const times: number[] = []
  while (times.length < count) {
    const from = now()
    await bare.write(times.length)
    times.push(now() - from)
  }
  return times
}

/** Tells the beginning and the end of each bare write, so that a kill in between is no excuse for us. */
async function compare(n: number): Promise<void> {
  tell({ kind: 'control', tab, n, at: now() })
  await bare.write(n)
  tell({ kind: 'control', tab, n, at: now() })
  setTimeout(() => void compare(n + 1), CONTROL_PAUSE_MS)
}

let timer: ReturnType<typeof setInterval> | undefined
function start(seed: string): void {
  const random = createSeededRandom(seed)
  timer = setInterval(() => {
    if (signedIn === null) return
    const channel = CHANNELS[Math.floor(random() * CHANNELS.length)] ?? CHANNELS[0]
    send(channel, random() < BURST.share ? BURST.size : 1)
  }, Number(query.get('pause') ?? PAUSE_MS))
}

const user = createUser(store, actions, (userId) => {
  if (signedIn !== null && signedIn !== userId) tell({ kind: 'life', tab, what: 'left', at: now() })
  signedIn = userId
})

function windows(): ChannelWindow[] {
  const state = store.getState()
  return CHANNELS.map((channelId) => {
    const { hasNewer, gap, latestSeq } = selectors.selectChannel(state, channelId)
    const messages = selectors.selectMessages(state, channelId).flatMap(({ id, seq }) => (typeof seq === 'number' ? [{ id, seq }] : []))
    return { channelId, hasNewer, hasGap: gap !== null, latestSeq, messages }
  })
}

store.subscribe(watch)
window.app = {
  tab,
  reports,
  send,
  control,
  start,
  stop: () => clearInterval(timer),
  stored: (id) => (storedIds.has(id) ? Promise.resolve() : new Promise((resolve) => { waiting.set(id, resolve) })),
  user,
  skew: (ms) => { skew += ms },
  windows,
  view() {
    const state = store.getState()
    const outbox = selectors.selectOutbox(state)
    return {
      status: selectors.selectConnection(state).status,
      unsent: outbox.length,
      failed: outbox.flatMap(({ content, status, failure }) => (status === 'failed' && failure ? [`${content}: ${failure.code}`] : [])),
      errors: selectors.selectErrors(state).map(({ code, message }) => `${code}: ${message}`),
    }
  },
}
if (query.get('beforeunload') === 'send') addEventListener('beforeunload', () => { if (signedIn !== null) send(CHANNELS[0], 1) })
user.connect(namedUser ?? 'alice')
const seed = query.get('seed')
if (query.get('control') === 'on') {
  tell({ kind: 'opening', tab, at: now() })
  void bare.count().then((n) => {
    tell({ kind: 'found', tab, n, at: now() })
    return compare(n + 1)
  })
}
if (seed !== null) start(seed)
