import { receivedNewPost, receivedPost, receivedPosts, receivedPostsInChannel } from 'mattermost-redux/actions/posts'
import * as posts from 'mattermost-redux/reducers/entities/posts'
import { getPostIdsInChannel } from 'mattermost-redux/selectors/entities/posts'
import type { System } from './systems'
import { EPOCH, ME, type Committed } from './trace'

const CHANNEL = 'general'
const BASE = 'base'

/** A CommonJS package: Node.js gives its exports as the default one. */
const { default: reducer } = 'handlePosts' in posts.default ? posts.default as unknown as typeof posts : posts

type State = ReturnType<typeof reducer>
type Root = Parameters<typeof getPostIdsInChannel>[0]
type Post = Parameters<typeof receivedPost>[0]

/** The fields that its reducer reads. The server gives a post an id of its own and returns the sender's `pending_post_id`. */
const post = (id: string, userId: string, at: number, pending?: string): Post => ({
  id, user_id: userId, channel_id: CHANNEL, message: id, create_at: at, update_at: at, delete_at: 0, root_id: '',
  ...(pending !== undefined && { pending_post_id: pending }),
} as unknown as Post)

const committed = ({ key, userId, at }: Committed): Post => post(`server-${key}`, userId, at, userId === ME ? `pending-${key}` : undefined)

const keyOf = (id: string): string => id.replace(/^(server|pending)-/, '')

/**
 * Its own action creators and selector, in the order in which its `createPost` and its web app use them: a pending post at
 * the dispatch (`receivedNewPost`), the HTTP answer (`receivedPost`), the websocket's `posted` (`receivedNewPost`). The channel
 * is loaded first, because the reducer ignores live posts of one that is not. It keeps no receipts.
 */
export const mattermost: System = {
  name: 'mattermost-redux 11.9.0',
  create: () => {
    const base = post(BASE, 'bob', EPOCH - 1_000)
    const page = { order: [BASE], posts: { [BASE]: base }, next_post_id: '', prev_post_id: '', first_inaccessible_post_time: 0 }
    const run = (state: State | undefined, action: unknown): State => reducer(state as never, action as never)
    let state = run(run(undefined, receivedPosts(page as never)), receivedPostsInChannel(page as never, CHANNEL, true, true))
    return {
      apply(fact) {
        if (fact.kind === 'compose') state = run(state, receivedNewPost(post(`pending-${fact.key}`, ME, fact.at, `pending-${fact.key}`), false))
        else if (fact.kind === 'ack') state = run(state, receivedPost(committed(fact.message), false))
        else if (fact.kind === 'echo') for (const each of fact.messages) state = run(state, receivedNewPost(committed(each), false))
      },
      shown: () => (getPostIdsInChannel({ entities: { posts: state } } as unknown as Root, CHANNEL) ?? [])
        .filter((id) => id !== BASE).map(keyOf).reverse(),
      readMark: () => null,
    }
  },
}
