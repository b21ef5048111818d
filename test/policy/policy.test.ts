import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fullJitter, spread } from '../../src/policy/backoff'
import { mayPass, reactionTo } from '../../src/policy/errors'
import { isJson, jsonBytes } from '../../src/policy/json'
import { due, exhausted, failure } from '../../src/policy/outbox'
import { committedStatus, joinReceipt, othersBest } from '../../src/policy/status'
import { compareMessages, contiguousFrom, findMessage, holds, mergeMessages, type Window } from '../../src/policy/timeline'
import type { OutboxEntry, WireMessage } from '../../src/model'
import { createWire } from '../../src/transport/wire'

const message = (seq: number | undefined, id = `m${seq}`, createdAt = seq ?? 0): WireMessage =>
  ({ id, channelId: 'c', userId: 'u', content: id, createdAt, ...(seq !== undefined && { seq }) })

const NONE: Window<{}> = []

describe('backoff', () => {
  it('full jitter stays between 0 and the capped exponential step', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (failures, random) => {
      const delay = fullJitter(failures, random, { baseMs: 1_000, maxMs: 30_000 })
      expect(delay).toBeGreaterThanOrEqual(0)
      expect(delay).toBeLessThanOrEqual(Math.min(30_000, 1_000 * 2 ** (failures - 1)))
    }))
    expect(fullJitter(3, 0.5, { baseMs: 1_000, maxMs: 30_000 })).toBe(2_000)
  })

  it('reconnection is spread around its delay', () => {
    expect([spread(1_000, 0.5, 0), spread(1_000, 0.5, 0.5), spread(1_000, 0.5, 1), spread(1_000, 0, 0.9)]).toEqual([750, 1_000, 1_250, 1_000])
  })
})

describe('errors', () => {
  it('are judged by code and by what the server says of them, never by text', () => {
    expect(reactionTo({ code: 'blocked', message: 'timeout token_expired' })).toBe('fail')
    expect(reactionTo({ code: 'blocked', message: '', retryable: true })).toBe('retry')
    expect(reactionTo({ code: 'rate_limited', message: '' })).toBe('retry')
    expect(reactionTo({ code: 'rate_limited', message: '', retryable: false })).toBe('fail')
    expect(reactionTo({ code: 'token_expired', message: '', retryable: false })).toBe('reauthenticate')
    expect(reactionTo({ code: 'rejected', message: 'database is down' })).toBe('fail')
    expect(mayPass({})).toBe(false)
    expect(mayPass({ code: 'unavailable' })).toBe(true)
    expect(mayPass({ code: 'token_expired', retryable: true })).toBe(true)
    expect(mayPass({ code: 'banned' })).toBe(false)
  })

  it('is read from a text as from an object', () => {
    const { response } = createWire({})
    expect(response('message:send', [{ success: false, error: 'database is down' }])).toEqual({ error: { code: 'rejected', message: 'database is down' } })
    expect(response('message:send', [{ success: false, error: { code: 'x', message: 'y' } }])).toEqual({ error: { code: 'x', message: 'y' } })
  })
})

describe('status', () => {
  it('G4: joins upwards, and what is read is delivered', () => {
    expect(joinReceipt({ delivered: 5, read: 2 }, { delivered: 3, read: 4 })).toEqual({ delivered: 5, read: 4 })
    expect(joinReceipt(undefined, { delivered: 0, read: 7 })).toEqual({ delivered: 7, read: 7 })
    const held = { delivered: 5, read: 2 }
    expect(joinReceipt(held, { delivered: 1, read: 1 })).toBe(held)
  })

  it("counts what others say, and not the author's own mark", () => {
    const receipts = { '#me': { delivered: 9, read: 9 }, '#a': { delivered: 4, read: 1 }, '#b': { delivered: 2, read: 2 } }
    const others = othersBest(receipts, '#me')
    expect([1, 2, 3, 4, 5].map((seq) => committedStatus(seq, others))).toEqual(['read', 'read', 'delivered', 'delivered', 'sent'])
  })
})

describe('json', () => {
  it('tells what survives JSON, and how long it is', () => {
    const circular: { self?: unknown } = {}
    circular.self = circular
    for (const bad of [() => 1, Symbol('s'), 1n, NaN, new Date(), new Map(), circular, { a: { b: undefined, c: () => 1 } }]) expect(isJson(bad)).toBe(false)
    expect(isJson({ a: [1, 'x', null, { b: undefined }] })).toBe(true)
    fc.assert(fc.property(fc.jsonValue(), fc.string({ unit: 'grapheme' }), (value, text) => {
      const whole = { value, text }
      expect(jsonBytes(whole)).toBe(new TextEncoder().encode(JSON.stringify(whole)).length)
    }))
  })
})

describe('json at its limits', () => {
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])

  it('takes booleans and objects without a prototype, and every member of a list counts', () => {
    expect([isJson(true), isJson(Object.assign(Object.create(null), { a: 1 })), isJson([]), isJson([1, () => 1]), isJson(undefined)])
      .toEqual([true, true, true, false, false])
  })

  it('goes so deep and no deeper', () => {
    expect([isJson(nested(33)), isJson(nested(34)), isJson({ a: nested(33) })]).toEqual([true, false, false])
  })

  it('counts bytes right at the edges of UTF-8', () => {
    for (const text of ['\u007f\u0080', '\u07ff\u0800', '\ud83d\ude00', '\udbff\udfff', '\ufffd']) {
      expect(jsonBytes(text)).toBe(new TextEncoder().encode(JSON.stringify(text)).length)
    }
  })
})

describe('outbox', () => {
  const entry = (id: string, more: Partial<OutboxEntry> = {}): OutboxEntry => ({
    message: message(undefined, id), order: 1, attempts: 0, spent: 0, losses: 0, budgetFrom: 100, dedupWindowMs: null,
    nextAttemptAt: null, lease: null, stored: false, failure: null, lastError: null, ...more,
  })
  const open = { owned: () => true, waiting: () => false, elsewhere: () => false, refused: () => false }
  const due3 = (room: number, queue: readonly OutboxEntry[]) => due([queue], room, 0, open).map((each) => each.message.id)

  it('G3: at most `room` of a channel are in flight, those under way included', () => {
    const [a, b, c] = [entry('a'), entry('b'), entry('c')]
    expect(due3(2, [a, b, c])).toEqual(['a', 'b'])
    expect(due3(0, [a])).toEqual([])
    expect(due3(2, [{ ...a, lease: { attempt: 1, deadline: 9 } }, b, c])).toEqual(['b'])
  })

  it('G3: what failed is passed over and takes no room; what waits holds all behind it', () => {
    const [a, b, c] = [entry('a', { failure: failure('x', 'x', false, 1) }), entry('b'), entry('c')]
    expect(due3(1, [a, b, c])).toEqual(['b'])
    expect(due([[b, c]], 2, 0, { ...open, waiting: ({ message: { id } }) => id === 'b' })).toEqual([])
    expect(due([[b, c]], 2, 0, { ...open, owned: ({ message: { id } }) => id === 'c' })).toEqual([])
  })

  it('G1: the budget lasts to its very end', () => {
    const budget = { maxAttempts: 3, retryForMs: 1_000 }
    expect([1_100, 1_101, 0].map((now) => exhausted(entry('a'), now, budget))).toEqual([null, 'expired', null])
    expect([2, 3].map((spent) => exhausted(entry('a', { spent }), 100, budget))).toEqual([null, 'attempts_exhausted'])
  })
})

describe('timeline', () => {
  it('G8: a page that is longer than the window keeps the end that is asked for', () => {
    const page = [1, 2, 3, 4, 5].map((seq) => message(seq))
    expect(mergeMessages(NONE, page, 3).flat().map(({ seq }) => seq)).toEqual([3, 4, 5])
    expect(mergeMessages(NONE, page, 3, 'newest').flat().map(({ seq }) => seq)).toEqual([3, 4, 5])
    expect(mergeMessages(NONE, page, 3, 'oldest').flat().map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(mergeMessages([page.slice(0, 3)], [message(4)], 3, 'oldest').flat().map(({ seq }) => seq)).toEqual([1, 2, 3])
  })

  it("G5: a later copy brings the seq, or the server's own fields at the same seq, and nothing else replaces what is held", () => {
    const bare = mergeMessages(NONE, [message(undefined, 'a', 5)], 10)
    expect(mergeMessages(bare, [message(2, 'a', 5)], 10).flat()[0]?.seq).toBe(2)
    expect(mergeMessages(bare, [message(undefined, 'a', 5)], 10)).toBe(bare)
    expect(mergeMessages(bare, [message(undefined, 'a', 6)], 10).flat()[0]?.createdAt).toBe(6)
    const placed = mergeMessages(NONE, [message(2, 'a', 5)], 10)
    expect(mergeMessages(placed, [message(2, 'a', 6)], 10).flat()[0]?.createdAt).toBe(6)
    expect(mergeMessages(placed, [{ ...message(2, 'a', 5), content: 'edited' }], 10).flat()[0]?.content).toBe('edited')
    expect(mergeMessages(placed, [message(2, 'a', 5)], 10)).toBe(placed)
    expect(mergeMessages(placed, [message(undefined, 'a', 6)], 10)).toBe(placed)
    expect(mergeMessages(placed, [message(3, 'a', 6)], 10)).toBe(placed)
  })

  it('finds a message at its place, and only there', () => {
    const window = mergeMessages(NONE, [message(1), message(3), message(5), message(undefined, 'x', 7), message(undefined, 'y', 7)], 10)
    expect([message(1), message(3), message(5), message(undefined, 'x', 7), message(undefined, 'y', 7)].map((each) => holds(window, each))).toEqual([true, true, true, true, true])
    expect([message(2), message(3, 'other'), message(undefined, 'z', 7), message(9)].map((each) => holds(window, each))).toEqual([false, false, false, false])
  })

  it('keeps the first of two messages with one id, also within a burst that follows the window', () => {
    const window = mergeMessages([[message(1)]], [message(2, 'a'), message(3, 'a'), message(4)], 10)
    expect(window.flat().map(({ seq, id }) => [seq, id])).toEqual([[1, 'm1'], [2, 'a'], [4, 'm4']])
    expect(findMessage(window, 'a')?.seq).toBe(2)
  })

  it('G5: a union in order, each once, whatever the batches', () => {
    const pool = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 })
    fc.assert(fc.property(fc.array(pool, { maxLength: 8 }), (batches) => {
      let window: Window<{}> = []
      for (const batch of batches) window = mergeMessages(window, batch.map((seq) => message(seq)), 1_000)
      const expected = [...new Set(batches.flat())].sort((a, b) => a - b)
      expect(window.flat().map(({ seq }) => seq)).toEqual(expected)
      for (const seq of expected) expect(findMessage(window, `m${seq}`)?.seq).toBe(seq)
    }))
  })

  it('G5: is what a plain sorted list would be, whatever came in which order, also when an older version goes on', () => {
    const place = (a: WireMessage, b: WireMessage) => compareMessages(a, b)
    /** The same union, slowly. */
    const united = (held: readonly WireMessage[], incoming: readonly WireMessage[], limit: number, keep: 'newest' | 'oldest') => {
      let items = [...held]
      for (const each of incoming) {
        const known = items.find(({ id }) => id === each.id)
        if (known && (known.userId !== each.userId || (known.seq !== undefined && known.seq !== each.seq))) continue
        if (known && known.seq === each.seq && known.createdAt === each.createdAt && known.content === each.content) continue
        if (known && each.seq !== undefined && items.some((other) => other !== known && other.seq === each.seq)) continue
        items = items.filter((other) => other !== known)
        if (each.seq === undefined || items.every(({ seq }) => seq !== each.seq)) items = [...items, each].sort(place)
      }
      return keep === 'newest' ? items.slice(-limit) : items.slice(0, limit)
    }
    const one = fc.record({
      id: fc.integer({ min: 0, max: 120 }).map((n) => `m${n}`), seq: fc.option(fc.integer({ min: 1, max: 120 }), { nil: undefined, freq: 6 }),
      createdAt: fc.integer({ min: 1, max: 3 }), userId: fc.constantFrom('u', 'u', 'u', 'v'), content: fc.constantFrom('a', 'b'),
    }).map(({ id, seq, ...rest }): WireMessage => ({ ...rest, id: seq === undefined || rest.content === 'b' ? id : `m${seq}`, channelId: 'c', ...(seq !== undefined && { seq }) }))
    const run = fc.integer({ min: 1, max: 100 }).chain((from) => fc.integer({ min: 1, max: 90 }).map((count) => Array.from({ length: count }, (_, i) => message(from + i))))
    const merge = fc.record({ version: fc.nat(5), incoming: fc.oneof(fc.array(one, { maxLength: 8 }), run), keep: fc.constantFrom('newest' as const, 'newest' as const, 'oldest' as const) })
    fc.assert(fc.property(fc.array(merge, { maxLength: 14 }), fc.constantFrom(5, 70, 1_000), (merges, limit) => {
      const versions: { readonly window: Window<{}>; readonly items: readonly WireMessage[] }[] = [{ window: NONE, items: [] }]
      for (const { version, incoming, keep } of merges) {
        const { window, items } = versions.at(-1 - (version % versions.length)) ?? expect.fail('no version')
        const next = { window: mergeMessages(window, incoming, limit, keep), items: united(items, incoming, limit, keep) }
        versions.push(next)
        expect(next.window.flat()).toEqual(next.items)
        for (const each of [...next.items, ...incoming]) {
          const held = next.items.find(({ id }) => id === each.id)
          expect(findMessage(next.window, each.id)).toEqual(held)
          if (!held || compareMessages(held, each) === 0) expect(holds(next.window, each)).toBe(held !== undefined)
        }
        for (const cursor of [0, 3, 60]) {
          let end = cursor
          while (next.items.some(({ seq }) => seq === end + 1)) end++
          expect(contiguousFrom(next.window, cursor)).toBe(end)
        }
      }
    }), { numRuns: 300 })
  })

  it('G8: keeps the newest, and an index that knows only what is held', () => {
    let window: Window<{}> = []
    for (let seq = 1; seq <= 500; seq++) window = mergeMessages(window, [message(seq)], 100)
    expect(window.flat().map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, i) => 401 + i))
    expect(findMessage(window, 'm400')).toBeUndefined()
    expect(findMessage(window, 'm401')?.seq).toBe(401)
  })

  it('an old version of a window still finds what it holds', () => {
    const old = mergeMessages(NONE, [message(1), message(2)], 2)
    const now = mergeMessages(old, [message(3)], 2)
    expect(findMessage(old, 'm1')?.seq).toBe(1)
    expect(findMessage(now, 'm1')).toBeUndefined()
    expect(mergeMessages(old, [message(2)], 2)).toBe(old)
  })

  it('without seq the order is createdAt, then id; a seq that comes later takes the place it names', () => {
    const window = mergeMessages(NONE, [message(undefined, 'b', 5), message(undefined, 'a', 5), message(undefined, 'c', 1)], 10)
    expect(window.flat().map(({ id }) => id)).toEqual(['c', 'a', 'b'])
    expect(mergeMessages(window, [message(2, 'c', 1)], 10).flat().map(({ id }) => id)).toEqual(['c', 'a', 'b'])
    fc.assert(fc.property(fc.array(fc.tuple(fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }), fc.integer({ min: 1, max: 5 }), fc.constantFrom('a', 'b', 'c')), { minLength: 3, maxLength: 3 }), (three) => {
      const [a, b, c] = three.map(([seq, at, id]) => message(seq, id, at))
      if (a && b && c && compareMessages(a, b) <= 0 && compareMessages(b, c) <= 0) expect(compareMessages(a, c)).toBeLessThanOrEqual(0)
    }))
  })

  it('never lets a second message take a seq, nor a message take a second one', () => {
    const window = mergeMessages(NONE, [message(1), message(2)], 10)
    expect(mergeMessages(window, [message(2, 'impostor')], 10).flat().map(({ id }) => id)).toEqual(['m1', 'm2'])
    expect(mergeMessages(window, [{ ...message(7), id: 'm1' }], 10)).toBe(window)
  })

  it('the cursor ends before the first hole', () => {
    const window = [[1, 2], [3, 5, 6]].map((chunk) => chunk.map((seq) => message(seq)))
    expect([0, 1, 3, 4, 9].map((cursor) => contiguousFrom(window, cursor))).toEqual([3, 3, 3, 6, 9])
  })
})
