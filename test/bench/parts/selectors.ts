import { createSelector } from '@reduxjs/toolkit'
import { loaded, message, received } from '../chat'
import { computed } from '../lines'
import { interleave, stopwatch, time, type Sample, type Side } from '../measure'
import type { Part } from '../part'
import { adapterStore } from '../peers'

const LOADED = 10_000
const LOOKS = 20_000
const CHANGES = 50

/** What reading costs after each of some changes; the changes themselves are not measured. */
function afterEach(change: (i: number) => void, read: () => unknown): Side {
  let next = LOADED
  return () => {
    let [wall, cpu] = [0, 0]
    for (let i = 0; i < CHANGES; i++) {
      change(next++)
      const stop = stopwatch()
      read()
      const sample: Sample = stop(CHANGES)
      wall += sample.wall
      cpu += sample.cpu
    }
    return { wall, cpu }
  }
}

/** What reading costs again and again while nothing of it changes. */
const still = (read: () => unknown): Side => () => time(LOOKS, read)

function ours() {
  const { chat, store } = loaded(LOADED, LOADED)
  const { selectMessages, selectMessage, selectUnreadCount } = chat.selectors
  const id = message(LOADED - 1).id
  return {
    add: (i: number) => void store.dispatch(received([message(i)])),
    all: () => selectMessages(store.getState(), 'general'),
    one: () => selectMessage(store.getState(), 'general', id),
    unread: () => selectUnreadCount(store.getState(), 'general'),
  }
}

function adapter() {
  const { store, actions, selectors } = adapterStore(true)
  store.dispatch(actions.addedMany(Array.from({ length: LOADED }, (_, i) => message(i))))
  const unread = createSelector([selectors.selectAll], (all) => all.filter(({ userId, seq }) => userId !== 'alice' && seq > 0).length)
  const id = message(LOADED - 1).id
  return {
    add: (i: number) => void store.dispatch(actions.added(message(i))),
    all: () => selectors.selectAll(store.getState()),
    one: () => selectors.selectById(store.getState(), id),
    unread: () => unread(store.getState()),
  }
}

export const run: Part = async ({ isQuick }) => {
  const [mine, theirs] = [ours(), adapter()]
  const found = await interleave(isQuick ? 3 : 7, {
    stillAll: still(mine.all), stillAllPeer: still(theirs.all),
    stillOne: still(mine.one), stillOnePeer: still(theirs.one),
    newAll: afterEach(mine.add, mine.all), newAllPeer: afterEach(theirs.add, theirs.all),
    newOne: afterEach(mine.add, mine.one), newOnePeer: afterEach(theirs.add, theirs.one),
    newUnread: afterEach(mine.add, mine.unread), newUnreadPeer: afterEach(theirs.add, theirs.unread),
  })
  const [peer, kind] = ['RTK entity adapter', 'faster'] as const
  return [
    computed({ id: 'select.still', what: 'selectMessages, 10k loaded, after an unrelated action', peer, kind }, found.stillAll, found.stillAllPeer),
    computed({ id: 'select.new', what: 'selectMessages, 10k loaded, after one new message', peer, kind }, found.newAll, found.newAllPeer),
    computed({ id: 'select.one', what: 'selectMessage, 10k loaded, after an unrelated action', peer, kind }, found.stillOne, found.stillOnePeer),
    computed({ id: 'select.one.new', what: 'selectMessage, 10k loaded, after one new message', peer, kind }, found.newOne, found.newOnePeer),
    computed({ id: 'select.unread', what: 'selectUnreadCount, 10k loaded, after one new message', peer, kind }, found.newUnread, found.newUnreadPeer),
  ]
}
