/** What the page writes down, with the time in milliseconds since the epoch, finer than `Date.now()`. */
export type Report =
  | { readonly kind: 'dispatched'; readonly tab: string; readonly channel: string; readonly n: number; readonly id: string; readonly at: number }
  /** The message shows `stored: true`. */
  | { readonly kind: 'stored'; readonly id: string; readonly at: number }
  /** Messages that an earlier page wrote are shown, all at once; `sinceStart`: ms since the navigation began. */
  | { readonly kind: 'restored'; readonly ids: readonly string[]; readonly at: number; readonly sinceStart: number }
  /** The bare writes' database is about to be opened. */
  | { readonly kind: 'opening'; readonly tab: string; readonly at: number }
  /** What is left of the bare writes of all earlier pages. */
  | { readonly kind: 'found'; readonly tab: string; readonly n: number; readonly at: number }
  /** The n-th bare write beside the library's: begun, then done. */
  | { readonly kind: 'control'; readonly tab: string; readonly n: number; readonly at: number }
  /** An error that nobody caught, or what was written to the console as an error or a warning. */
  | { readonly kind: 'trouble'; readonly tab: string; readonly what: string; readonly at: number }
  /** The browser stopped the page, or gave it back; or its user signed out, or became another one. */
  | { readonly kind: 'life'; readonly tab: string; readonly what: 'frozen' | 'resumed' | 'restored' | 'left'; readonly at: number }

/** What a user may do beside sending, in all channels at once. */
export interface User {
  connect(userId: string): void
  disconnect(): void
  signOut(): void
  retryAll(): void
  markRead(): void
  loadOlder(): void
  closeChannels(): void
  openChannels(): void
}

/** What a channel shows. */
export interface ChannelWindow {
  readonly channelId: string
  readonly hasNewer: boolean
  readonly hasGap: boolean
  readonly latestSeq: number | null
  /** The committed ones, in the order shown. */
  readonly messages: readonly { readonly id: string; readonly seq: number }[]
}

/** What the page puts on `window` for the tests. */
export interface App {
  /** The name of this life of the page. */
  readonly tab: string
  readonly reports: readonly Report[]
  /** Dispatches so many messages, at once, and gives their ids. */
  send(channel: string, count: number): string[]
  /** Resolves when the message shows `stored: true`. */
  stored(id: string): Promise<void>
  /** So many bare durable writes without the library, one at a time: how long each took, in ms. */
  control(count: number): Promise<number[]>
  /** Sends at random from now on; the seed says how much and where to. */
  start(seed: string): void
  stop(): void
  /** What a user does, by name. */
  readonly user: User
  /** Sets the page's wall clock off, by so much more. */
  skew(ms: number): void
  windows(): readonly ChannelWindow[]
  view(): { readonly status: string; readonly unsent: number; readonly failed: readonly string[]; readonly errors: readonly string[] }
}

/** How the page is opened: its query. */
export interface PageOptions {
  /** Names this life of a page, in messages and at the server. */
  readonly tab: string
  /** Address of the chat server. */
  readonly server: string
  /** Sends at random from the start. */
  readonly seed?: string
  /** `none`: as in an old WebView, without Web Locks. */
  readonly locks?: 'none'
  /** `local`: in localStorage. */
  readonly storage?: 'local'
  /** Writes to the device without the library as well, for comparison. */
  readonly control?: 'on'
  /**
   * Who signs in (default: alice). A page that is given this may be reloaded and may change its user: each life has a name of its own, which
   * begins with `tab`, and messages name the user too.
   */
  readonly user?: string
  /** How long it rests between two messages. */
  readonly pause?: number
  /** `send`: a last message when the page is left. */
  readonly beforeunload?: 'send'
}

export const CHANNELS = ['one', 'two', 'three'] as const
