import { afterEach, describe, expect, it, vi } from 'vitest'
import { openStore } from '../support/chat-store'
import { collectUncaught } from '../support/uncaught'

afterEach(() => void vi.unstubAllGlobals())

describe('what an app gives throws, or comes back', () => {
  it('G7: onError is told of every error that is put into the state, though a subscriber throws', async () => {
    const told: string[] = []
    const tab = openStore({ config: { onError: ({ code }) => told.push(code) } })
    tab.connect()
    await tab.settle()
    tab.env.server.rejectNext({ code: 'forbidden' })
    const uncaught = collectUncaught()
    const stop = tab.store.subscribe(() => { if (tab.errors().length > 0) throw new Error('a subscriber of the app') })
    tab.send('hi')
    await tab.advance(5_000)
    stop()
    expect([tab.errors().map(({ code }) => code), told, uncaught.length > 0]).toEqual([['forbidden'], ['forbidden'], true])
  })

  it('G1, G7: a storage that cannot be opened affects nothing else, and is opened anew', async () => {
    let isBroken = true
    const tab = openStore()
    const real = tab.env.storage
    const other = openStore({ env: tab.env.openTab(), config: { environment: { storage: (name) => {
      if (isBroken) throw new Error('unable to open the database')
      return real(name)
    } } } })
    other.connect()
    await other.settle()
    expect(() => other.send('hi')).not.toThrow()
    await other.advance(5_000)
    expect([other.shown(), other.errors().map(({ type }) => type)]).toEqual([['hi:sent'], ['storage_error']])
    other.env.network.cut()
    other.send('kept')
    await other.advance(5_000)
    isBroken = false
    await other.advance(120_000)
    expect(other.messages().at(-1)).toMatchObject({ content: 'kept', stored: true })
  })

  it('G8: a listener of the metrics that subscribes anew is told once each time, as by a store', () => {
    const tab = openStore()
    let [calls, stop] = [0, (): void => undefined]
    const listen = (): void => {
      stop()
      if (++calls < 1_000) stop = tab.chat.metrics.subscribe(listen)
    }
    stop = tab.chat.metrics.subscribe(listen)
    tab.send('hi')
    expect(calls).toBeLessThan(10)
  })
})
