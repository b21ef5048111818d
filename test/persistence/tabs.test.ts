import { afterEach, expect, it, vi } from 'vitest'
import { createMemoryLocks } from 'redux-chat/testing'
import { createWebLocks, type TabLocks } from '../../src/persistence/tabs'

/** Those of a browser (over the real BroadcastChannel) and their twin keep the same promise. */
const worlds: readonly (readonly [name: string, create: () => (tab: string) => TabLocks])[] = [
  ['BroadcastChannel', () => {
    vi.stubGlobal('navigator', { locks: {} })
    return () => {
      const locks = createWebLocks()
      if (!locks) throw new Error('unable to test: the stub of navigator.locks was not seen')
      return locks
    }
  }],
  ['memory', () => createMemoryLocks().forTab],
]

afterEach(() => vi.unstubAllGlobals())

it.each(worlds)('%s: tabs hear of those that are there, of each that comes, and of each that comes again', async (name, create) => {
  const forTab = create()
  const place = `${name} ${Math.random()}`
  const heard: string[] = []
  const join = (tab: string) => forTab(tab).meet(place, tab, (other) => heard.push(`${tab} of ${other}`))
  const stopOne = join('one')
  const stopTwo = join('two')
  await vi.waitFor(() => expect(new Set(heard)).toEqual(new Set(['one of two', 'two of one'])))
  heard.length = 0
  stopOne()
  const stopAgain = join('one')
  await vi.waitFor(() => expect(new Set(heard)).toEqual(new Set(['one of two', 'two of one'])))
  heard.length = 0
  stopTwo()
  const stopThree = join('three')
  await vi.waitFor(() => expect(new Set(heard)).toEqual(new Set(['one of three', 'three of one'])))
  stopAgain()
  stopThree()
})
