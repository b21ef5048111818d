import type { KeyReport } from './key-meter'
import type { MeterReport } from './meter'

export const CHANNEL = 'general'

/**
 * What handles the events: `chat` the library with the demo's list, `bare` a socket.io listener that does nothing,
 * `slice` a plain RTK slice (newest 1,000, one action per event) with the same list.
 */
export type Mode = 'chat' | 'bare' | 'slice'

/** How the page is opened: its query. */
export interface PageOptions {
  readonly mode: Mode
  /** Address of the chat server. */
  readonly server: string
  /** `history.windowSize` and `history.pageSize`. */
  readonly window?: string
  readonly page?: string
}

export interface View {
  readonly status: string
  readonly sync: string
  readonly gap: boolean
  readonly latest: number | null
  /** Seqs of what the state holds of the channel: how many, the first, the last, and whether they rise one by one. */
  readonly loaded: { readonly count: number; readonly first: number; readonly last: number; readonly isUnbroken: boolean }
  /** The same of the rows in the page, from top to bottom. */
  readonly rows: View['loaded']
  readonly errors: readonly string[]
  readonly typed: string
}

export interface WalkReport {
  /** The oldest seq that was a row so far. */
  readonly oldest: number
  /** Where a step's rows did not join on to those of the step before. */
  readonly breaks: readonly string[]
}

/** What the page puts on `window` for the test. */
export interface LoadApp {
  /** Measures anew from here on. */
  start(): void
  report(): MeterReport & { readonly keys: KeyReport }
  view(): View
  /** Renders of `MessageRow` since `start`: how often each, by seq. */
  rendered(): readonly (readonly [seq: number, times: number])[]
  /** Asks for one more page of history, without a look at the list. */
  loadOlder(): void
  contents(): readonly string[]
  /** So many steps up, each shorter than what is rendered; what is missing is awaited. */
  walk(steps: number): Promise<WalkReport>
}
