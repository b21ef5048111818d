import { configureStore, createEntityAdapter, createSlice, type PayloadAction, type Reducer } from '@reduxjs/toolkit'
import { StreamChat } from 'stream-chat'
import * as mattermostPosts from 'mattermost-redux/reducers/entities/posts'
import { loaded, received, series, type Item } from './chat'
import { timeCalls, type Sample } from './measure'

/** Something that holds a channel's messages, behind one shape. What a call is given is made before it, so that only the call is timed. */
export interface Holder {
  /** Many at once, as a page of history. */
  readonly load: (items: readonly Item[]) => void
  /** One call for each. */
  readonly each: (items: readonly Item[]) => readonly (() => void)[]
  /** One call for all, as far as it has one. */
  readonly burst: (items: readonly Item[]) => () => void
  /** How many it holds: a peer that quietly drops what it is given would look fast. */
  readonly size: () => number
}

const toStream = ({ id, channelId, userId, content, createdAt }: Item) => ({
  id, cid: `messaging:${channelId}`, type: 'regular', text: content, html: '', user: { id: userId },
  created_at: new Date(createdAt).toISOString(), updated_at: new Date(createdAt).toISOString(),
})

type StreamMessage = Parameters<ReturnType<StreamChat['channel']>['state']['addMessageSorted']>[0]
// The wire has more fields than any state needs; the ones that it reads are there.
const streamMessage = (item: Item): StreamMessage => toStream(item) as unknown as StreamMessage

/** stream-chat's channel state, called as its handling of `message.new` calls it. A secret only spares it a connection. */
export function streamChannels(): (channelId: string) => Holder {
  const client = new StreamChat('key', 'secret', { disableCache: true })
  return (channelId) => {
    const { state } = client.channel('messaging', channelId)
    return {
      load: (items) => void state.addMessagesSorted(items.map(streamMessage), false, true, true, 'latest'),
      each: (items) => items.map(streamMessage).map((message) => () => void state.addMessageSorted(message)),
      burst(items) {
        const messages = items.map(streamMessage)
        return () => void state.addMessagesSorted(messages, false, false, true, 'latest')
      },
      size: () => state.latestMessages.length,
    }
  }
}

export const streamChat = (): Holder => streamChannels()('general')

export function adapterStore(isSorted: boolean) {
  const adapter = createEntityAdapter<Item>(isSorted ? { sortComparer: (a, b) => a.seq - b.seq } : {})
  const slice = createSlice({
    name: 'messages', initialState: adapter.getInitialState(),
    reducers: { added: adapter.addOne, addedMany: (state, { payload }: PayloadAction<readonly Item[]>) => { adapter.addMany(state, payload) } },
  })
  const store = configureStore({ reducer: { messages: slice.reducer } })
  const selectors = adapter.getSelectors((state: ReturnType<typeof store.getState>) => state.messages)
  return { store, actions: slice.actions, selectors }
}

export function entityAdapter(isSorted: boolean): Holder {
  const { store, actions } = adapterStore(isSorted)
  const burst: Holder['burst'] = (items) => {
    const action = actions.addedMany(items)
    return () => void store.dispatch(action)
  }
  return {
    load: (items) => burst(items)(), burst,
    size: () => store.getState().messages.ids.length,
    each: (items) => items.map((item) => actions.added(item)).map((action) => () => void store.dispatch(action)),
  }
}

const toPost = ({ id, channelId, userId, content, createdAt }: Item) => ({
  id, channel_id: channelId, user_id: userId, message: content, create_at: createdAt, update_at: createdAt, edit_at: 0, delete_at: 0,
  root_id: '', original_id: '', hashtags: '', pending_post_id: '', type: '', props: {}, reply_count: 0, metadata: {},
})

interface Posts { readonly posts?: Readonly<Record<string, object>>; readonly reactions?: Readonly<Record<string, object>> }

const FILLED = { type: 'bench/filled' } as const

/**
 * Its reducer copies the reactions of all posts for each post of a page that has metadata: ten minutes for 50,000, none of them measured.
 * Pages come without, and what the metadata would have left in the state is put there at once.
 */
const fillable = (reducer: Reducer<Posts>): Reducer<Posts> => (state, action) => {
  if (action.type !== FILLED.type || !state?.posts) return reducer(state, action)
  const bare = Object.entries(state.posts).filter(([, post]) => 'metadata' in post && post.metadata === undefined)
  return {
    ...state,
    posts: { ...state.posts, ...Object.fromEntries(bare.map(([id, post]) => [id, { ...post, metadata: {} }])) },
    reactions: { ...state.reactions, ...Object.fromEntries(bare.map(([id]) => [id, {}])) },
  }
}

const isReducer = (value: unknown): value is Reducer<Posts> => typeof value === 'function'

/** A CommonJS module with a default: Node wraps it once more. */
function postsReducer(): Reducer<Posts> {
  const { default: exported }: { readonly default: unknown } = mattermostPosts
  const found = typeof exported === 'object' && exported !== null && 'default' in exported ? exported.default : exported
  if (!isReducer(found)) throw new Error('unable to measure mattermost-redux: its posts reducer is not where it was')
  return found
}

/** mattermost-redux's posts reducer: a page that is joined to the live edge, then one live post after the other. */
export function mattermost(): Holder {
  const store = configureStore({ reducer: { posts: fillable(postsReducer()) } })
  const pageOf = (items: readonly Item[]) => {
    const all = items.map(toPost).map((post) => ({ ...post, metadata: undefined }))
    return { posts: Object.fromEntries(all.map((post) => [post.id, post])), order: all.map(({ id }) => id).reverse(), prev_post_id: '', next_post_id: '' }
  }
  const each: Holder['each'] = (items) => items
    .map((item) => ({ type: 'RECEIVED_NEW_POST', data: toPost(item), features: { crtEnabled: false } }))
    .map((action) => () => void store.dispatch(action))
  return {
    load(items) {
      const data = pageOf(items)
      store.dispatch({ type: 'RECEIVED_POSTS', data })
      store.dispatch({ type: 'RECEIVED_POSTS_IN_CHANNEL', channelId: items[0]?.channelId ?? 'general', data, recent: true, oldest: false })
      store.dispatch(FILLED)
    },
    each,
    size: () => Object.keys(store.getState().posts.posts ?? {}).length,
    // It has no burst of live posts: each is an action.
    burst(items) {
      const calls = each(items)
      return () => { for (const call of calls) call() }
    },
  }
}

/** Ours: a store with reducer and middleware, `before` messages received. */
export function chatHolder(before: number, windowSize: number): Holder {
  const { chat, store } = loaded(before, windowSize)
  const burst: Holder['burst'] = (items) => {
    const action = received(items)
    return () => void store.dispatch(action)
  }
  return { load: (items) => burst(items)(), burst, each: (items) => items.map((item) => burst([item])), size: () => chat.selectors.selectMessages(store.getState(), 'general').length }
}

/** The next `count` live messages each time it is called, one by one. */
export function oneByOne(holder: Holder, before: number, count: number): () => Sample {
  let next = before
  return () => {
    const calls = holder.each(series(next, count))
    next += count
    return timeCalls(calls)
  }
}
