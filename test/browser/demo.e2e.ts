import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { buildClient, startDemo, type BuiltClient, type DemoServer, type DemoServerOptions } from './demo-server'
import { describeInBrowsers, launchBrowser } from './harness'
import { open, type Person } from './person'

const CHANNEL = 'general'
const COMPOSER = { role: 'textbox', name: 'Message' }
const ARRIVED = ['sent', 'delivered', 'read']

let client: BuiltClient
beforeAll(async () => { client = await buildClient() })
afterAll(() => client?.remove())

describeInBrowsers('demo', ({ engine, browser, itNeeds }) => {
  const cleanups: (() => Promise<void>)[] = []
  afterEach(async () => { for (const cleanup of cleanups.splice(0).reverse()) await cleanup() })

  const serve = async (options?: DemoServerOptions): Promise<DemoServer> => {
    const demo = await startDemo(client, options)
    cleanups.push(demo.close)
    return demo
  }
  const visit = async (demo: DemoServer, user: string): Promise<Person> => {
    const person = await open(browser(), demo.url, user)
    cleanups.push(() => person.page.close())
    return person
  }

  it('G4: two people chat, and the ticks turn', async () => {
    const demo = await serve()
    const alice = await visit(demo, 'alice')
    await alice.page.evaluate(() => document.querySelector('details')?.setAttribute('open', ''))
    await alice.page.waitFor(() => document.querySelector('.plot figcaption')?.textContent === 'Ack latency: –', [])
    await alice.say('first light')
    await alice.sees('first light', ['sent'])
    // The first ack is to be seen in the plot: a line of one point is none.
    await alice.page.waitFor(() => document.querySelector('.plot polyline')?.getAttribute('points')?.split(' ').length === 2, [])
    await demo.confirmDelivery(CHANNEL)
    await alice.sees('first light', ['delivered'])
    const bob = await visit(demo, 'bob')
    await bob.sees('first light')
    await alice.sees('first light', ['read'])

    await alice.say('are you there')
    await bob.sees('are you there')
    await alice.sees('are you there', ['read'])
    await bob.say('yes, here')
    await alice.sees('yes, here')
    await bob.sees('yes, here', ['read'])
    expect(await demo.committed(CHANNEL)).toEqual(['first light', 'are you there', 'yes, here'])
    // Each text runs in its own direction, whatever the page's is.
    await alice.say('שלום, alice.')
    await bob.sees('שלום, alice.')
    expect(await bob.page.evaluate(directionsShown)).toEqual(['ltr', 'ltr', 'ltr', 'rtl'])
  })

  it('G1 G2 G3: five messages written offline survive a reload and arrive in order, once', async () => {
    const demo = await serve()
    const alice = await visit(demo, 'alice')
    const bob = await visit(demo, 'bob')
    const texts = ['queued one', 'queued two', 'queued three', 'queued four', 'queued five']
    await alice.flip('Network')
    await alice.cutOff()
    for (const text of texts) await alice.say(text)
    await alice.stored(texts.length)
    const before = await alice.shown('queued')

    await alice.page.reload()
    await alice.seesExactly('queued', texts)
    const after = await alice.shown('queued')
    expect(after.map(({ id, status }) => [id, status])).toEqual(before.map(({ id }) => [id, 'pending']))
    expect(await demo.committed(CHANNEL)).toEqual([])

    await alice.flip('Network')
    await bob.seesExactly('queued', texts)
    for (const text of texts) await alice.sees(text, ARRIVED)
    await alice.seesExactly('queued', texts)
    expect(await demo.committed(CHANNEL)).toEqual(texts)
  })

  itNeeds('kept profile', 'G1: what was written offline survives a killed browser', async () => {
    const demo = await serve()
    const profile = await mkdtemp(join(tmpdir(), 'redux-chat-profile-'))
    cleanups.push(() => rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }))
    const first = await launchBrowser(engine, { profile })
    cleanups.push(first.kill)
    const alice = await open(first, demo.url, 'alice')
    await alice.flip('Network')
    await alice.cutOff()
    await alice.say('before the crash')
    await alice.stored(1)
    await first.kill()

    const second = await launchBrowser(engine, { profile })
    cleanups.push(second.kill)
    const again = await open(second, demo.url, 'alice')
    await again.sees('before the crash', ARRIVED)
    expect(await demo.committed(CHANNEL)).toEqual(['before the crash'])
  })

  it('an expired token is replaced and the chat goes on', async () => {
    const demo = await serve()
    const alice = await visit(demo, 'alice')
    const bob = await visit(demo, 'bob')
    const asked = await alice.page.evaluate(tokensAsked)
    await alice.press('Expire token')
    await alice.page.waitFor(hasAskedMore, [asked])
    await alice.connection('connected')
    await alice.say('with a fresh token')
    await bob.sees('with a fresh token')
    await alice.sees('with a fresh token', ARRIVED)
    await bob.say('heard')
    await alice.seesExactly('heard', ['heard'])
  })

  it('G6: after a restart and an outage both reconnect and catch up, nothing doubled', async () => {
    const demo = await serve({ isKept: true })
    const alice = await visit(demo, 'alice')
    const bob = await visit(demo, 'bob')
    await alice.say('line 1')
    await bob.sees('line 1')

    await demo.stop()
    await alice.connection('reconnecting')
    await alice.say('line 2')
    await alice.sees('line 2', ['pending'])
    await demo.start()
    await alice.sees('line 2', ARRIVED)
    await bob.connection('connected')

    await demo.control('crash', { downMs: -1 })
    await demo.control('send', { channelId: CHANNEL, userId: 'carol', content: 'line 3' })
    await bob.connection('reconnecting')
    await bob.seesNo('line 3')
    await demo.control('restore', {})
    const lines = ['line 1', 'line 2', 'line 3']
    await alice.seesExactly('line', lines)
    await bob.seesExactly('line', lines)

    await bob.press('Restart server')
    await alice.say('line 4')
    await bob.seesExactly('line', [...lines, 'line 4'])
    await alice.sees('line 4', ARRIVED)
    await alice.seesExactly('line', [...lines, 'line 4'])
    expect(await demo.committed(CHANNEL)).toEqual([...lines, 'line 4'])
  })

  it('a rejected message fails, and is retried or discarded', async () => {
    const demo = await serve()
    const alice = await visit(demo, 'alice')
    const bob = await visit(demo, 'bob')
    const rejectNext = async (): Promise<void> => {
      await alice.press('Reject next message')
      await vi.waitFor(async () => expect(await demo.faultsOf('alice')).toMatchObject({ rejectNext: 1 }), { timeout: 5_000 })
    }
    await rejectNext()
    await alice.say('try me again')
    await alice.sees('try me again', ['failed'])
    await alice.pressAt('try me again', 'Retry')
    await alice.sees('try me again', ARRIVED)
    await bob.seesExactly('try me again', ['try me again'])

    await rejectNext()
    await alice.say('never mind')
    await alice.sees('never mind', ['failed'])
    await alice.say('behind it')
    await alice.sees('behind it', ARRIVED)
    await alice.pressAt('never mind', 'Discard')
    await alice.seesNo('never mind')
    await alice.page.reload()
    await alice.sees('behind it', ARRIVED)
    await alice.seesNo('never mind')
    expect(await demo.committed(CHANNEL)).toEqual(['try me again', 'behind it'])
  })

  it('history comes page by page as one scrolls up', async () => {
    const demo = await serve()
    const alice = await visit(demo, 'alice')
    await alice.press('Add 200 messages')
    await alice.sees('message 200')
    await alice.page.waitFor(scrollUpTo, ['message 1'], { timeoutMs: 30_000 })
    const ids = await alice.page.evaluate(loadedIds, CHANNEL)
    expect(ids).toHaveLength(200)
    expect(new Set(ids).size).toBe(200)
  })

  it('far back, the end of the window is read on a page at a time, and what one writes there is shown', async () => {
    const demo = await serve()
    // Beyond a full window, which is 1,000 messages.
    await demo.control('seed', { channelId: CHANNEL, count: 1_200 })
    const alice = await visit(demo, 'alice')
    await alice.sees('message 1200')
    await alice.page.waitFor(scrollUpTo, ['message 1'], { timeoutMs: 60_000 })
    const before = await alice.page.evaluate(windowOf, CHANNEL)
    expect(before).toMatchObject({ first: 1, hasNewer: true })
    await alice.page.evaluate(scrollToTheEnd)
    await alice.page.waitFor(isBeyond, [CHANNEL, before.last])
    // Hands off: were the window's end followed, each page would bring the next.
    await delay(1_000)
    const after = await alice.page.evaluate(windowOf, CHANNEL)
    expect(after.last - before.last).toBeLessThanOrEqual(100)
    expect(after.hasNewer).toBe(true)
    await alice.say('written far back')
    await alice.sees('written far back', ARRIVED)
    expect(await alice.page.evaluate(windowOf, CHANNEL)).toMatchObject({ last: 1_201, hasNewer: false })
  })

  it('a draft stays in its channel, and the Enter that ends a composition does not send it', async () => {
    const demo = await serve()
    const alice = await visit(demo, 'alice')
    await alice.page.type(COMPOSER, 'to be told here')
    await alice.page.evaluate(endCompositionAsSafari)
    await alice.press('# Random')
    expect(await alice.page.evaluate(draft)).toBe('')
    await alice.say('said elsewhere')
    await alice.press('# General')
    expect(await alice.page.evaluate(draft)).toBe('to be told here')
    await alice.press('Send')
    await alice.sees('to be told here', ARRIVED)
    expect(await demo.committed(CHANNEL)).toEqual(['to be told here'])
    expect(await demo.committed('random')).toEqual(['said elsewhere'])
  })

  it('a message that is too large goes back to the composer, to be shortened', async () => {
    const demo = await serve()
    const alice = await visit(demo, 'alice')
    const text = 'long '.repeat(20_000)
    await alice.page.evaluate(paste, text)
    await alice.press('Send')
    await alice.sees('long', ['failed'])
    await alice.page.type(COMPOSER, 'and more')
    await alice.pressAt('long', 'Edit')
    await alice.seesNo('long')
    expect(await alice.page.evaluate(draft)).toBe(`${text}\nand more`)
    await alice.page.evaluate(paste, 'short')
    await alice.press('Send')
    await alice.sees('short', ARRIVED)
    expect(await demo.committed(CHANNEL)).toEqual(['short'])
  })

  it('on a phone, with text of twice the size, nothing lies over the composer', async () => {
    const demo = await serve()
    const alice = await visit(demo, 'alice')
    await alice.page.resize({ width: 360, height: 640 })
    const hit = await alice.page.evaluate(() => {
      document.documentElement.style.fontSize = '30px'
      const { left, top, width, height } = document.querySelector('textarea')?.getBoundingClientRect() ?? new DOMRect()
      return document.elementFromPoint(left + width / 2, top + height / 2)?.tagName ?? ''
    })
    expect(hit).toBe('TEXTAREA')
  })

  it('who scrolls back while a message of theirs is unsent sees what is there', async () => {
    const demo = await serve()
    const alice = await visit(demo, 'alice')
    await alice.press('Add 200 messages')
    await alice.sees('message 200')
    await alice.flip('Network')
    await alice.cutOff()
    await alice.say('written offline')
    await alice.sees('written offline', ['pending'])
    await alice.page.evaluate(scrollHalfUp)
    await alice.page.waitFor(fillsTheScreen, [])
    expect((await alice.shown('written offline')).length).toBe(0)
  })

  it('G2: with every ack lost, a message is sent all the same, and once', async () => {
    const demo = await serve()
    const alice = await visit(demo, 'alice')
    const bob = await visit(demo, 'bob')
    await alice.flip('Drop acks')
    await vi.waitFor(async () => expect(await demo.faultsOf('alice')).toMatchObject({ dropAcks: true }), { timeout: 5_000 })
    await alice.say('unacknowledged')
    await alice.sees('unacknowledged', ARRIVED)
    await bob.seesExactly('unacknowledged', ['unacknowledged'])
    await alice.flip('Drop acks')
    await alice.say('after that')
    await bob.sees('after that')
    await alice.seesExactly('unacknowledged', ['unacknowledged'])
    expect(await demo.committed(CHANNEL)).toEqual(['unacknowledged', 'after that'])
  })

  it('G2: two tabs of one user show a message once each', async () => {
    const demo = await serve()
    const one = await visit(demo, 'alice')
    const two = await visit(demo, 'alice')
    await one.say('from the first tab')
    await two.say('from the second tab')
    for (const text of ['from the first tab', 'from the second tab']) await one.sees(text, ARRIVED)
    const texts = await demo.committed(CHANNEL)
    expect([...texts].sort()).toEqual(['from the first tab', 'from the second tab'])
    for (const tab of [one, two]) await tab.seesExactly('tab', texts)
    const ids = (person: Person) => person.shown('tab').then((shown) => shown.map(({ id }) => id))
    expect(await ids(one)).toEqual(await ids(two))
  })
})

// What follows runs in the page.

function tokensAsked(): number {
  return performance.getEntriesByType('resource').filter(({ name }) => name.includes('/identity/token')).length
}

function hasAskedMore(before: number): boolean {
  return performance.getEntriesByType('resource').filter(({ name }) => name.includes('/identity/token')).length > before
}

/** Scrolls to the top, again and again, until the message is there: each time the next older page may come. */
function scrollUpTo(content: string): boolean {
  const log = document.querySelector('[role="log"]')
  for (let element = log; element; element = element.parentElement) element.scrollTop = 0
  const { store, chat } = window.__demo
  const isLoaded = chat.selectors.selectMessages(store.getState(), 'general')[0]?.content === content
  return isLoaded && [...document.querySelectorAll('[role="log"] [data-message-id]')]
    .some((element) => element.textContent?.includes(content))
}

function loadedIds(channelId: string): string[] {
  const { store, chat } = window.__demo
  return chat.selectors.selectMessages(store.getState(), channelId).map(({ id }) => id)
}

function directionsShown(): string[] {
  return [...document.querySelectorAll('[data-message-id] .text')].map((text) => getComputedStyle(text).direction)
}

function scrollToTheEnd(): void {
  const log = document.querySelector('[role="log"]')
  if (log) log.scrollTop = log.scrollHeight
}

function windowOf(channelId: string): { first: number; last: number; hasNewer: boolean } {
  const { store, chat } = window.__demo
  const messages = chat.selectors.selectMessages(store.getState(), channelId)
  const { hasNewer } = chat.selectors.selectChannel(store.getState(), channelId)
  return { first: messages[0]?.seq ?? 0, last: messages.at(-1)?.seq ?? 0, hasNewer }
}

function isBeyond(channelId: string, seq: number): boolean {
  const { store, chat } = window.__demo
  return (chat.selectors.selectMessages(store.getState(), channelId).at(-1)?.seq ?? 0) > seq
}

const draft = (): string => document.querySelector('textarea')?.value ?? ''

/** As one who pastes: typing that much takes too long. */
function paste(text: string): void {
  const composer = document.querySelector('textarea')
  composer?.select()
  composer?.setRangeText(text)
  composer?.dispatchEvent(new Event('input', { bubbles: true }))
}

/** Safari says that a composition is over, and then tells of the Enter that ended it. */
function endCompositionAsSafari(): void {
  const enter = new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true })
  Object.defineProperty(enter, 'keyCode', { value: 229 })
  document.querySelector('textarea')?.dispatchEvent(enter)
}

function scrollHalfUp(): void {
  const log = document.querySelector('[role="log"]')
  if (log) log.scrollTop = (log.scrollHeight - log.clientHeight) / 2
}

/** Messages stand in the upper and in the lower half of what is seen. */
function fillsTheScreen(): boolean {
  const log = document.querySelector('[role="log"]')?.getBoundingClientRect()
  const tops = [...document.querySelectorAll('[role="log"] [data-message-id]')].map((element) => element.getBoundingClientRect().top - (log?.top ?? 0))
  const half = (log?.height ?? 0) / 2
  return tops.some((top) => top > 0 && top < half) && tops.some((top) => top > half && top < 2 * half)
}
