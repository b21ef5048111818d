import type { Environment } from './environment'
import type { ChatError, Extra } from './model'
import type { BackoffOptions } from './policy/backoff'
import type { ParseExtra } from './transport/parse'
import type { ProtocolOptions } from './transport/wire'
import type { SocketCallbacks } from './effects/audience'
import type { EmitBindings, EventBindings } from './effects/bindings'
import type { MetricSample } from './effects/metrics'
import type { KeyValueStorage } from './persistence/key-value'

/** Asks the app for a token. `skipCache` means that the last one was refused or is about to expire. */
export type GetToken = (request: { readonly skipCache: boolean }) => Promise<string | null> | string | null

/** What `createChat` takes. Every time is in milliseconds. */
export interface SocketConfig<X extends Extra = {}, Path extends string = 'chat'> extends SocketCallbacks {
  /** Where the Socket.IO server is: `https://chat.example.com`, or with a namespace `https://example.com/chat`. */
  readonly url: string
  /** Gives the raw session JWT for each attempt to connect; null means signed out, a throw means not reachable now. */
  readonly getToken?: GetToken
  /** A token that never changes, in place of `getToken`. */
  readonly token?: string
  /** Where the reducer is mounted, the prefix of every action, and the name of the stored records. Default `chat`. */
  readonly reducerPath?: Path
  /** When a connection is lost or refused. */
  readonly reconnection?: {
    /** Attempts after a lost or refused connection, before it is `failed`. Default 5; 0 for none. */
    readonly attempts?: number
    /** Pause before each attempt. Default 1,000. */
    readonly delayMs?: number
    /** How far the pause is spread around `delayMs`: 0.5 (the default) means 75 % to 125 % of it, 0 none. */
    readonly jitter?: number
    /** After this an attempt that got no answer has failed. Default 20,000. */
    readonly timeoutMs?: number
  }
  readonly auth?: {
    /** After this a `getToken` that has not answered counts as a throw. Default 10,000. */
    readonly timeoutMs?: number
    /** How long before its expiry a token is renewed in band. Default 15,000, and never more than half of its life. */
    readonly renewBeforeMs?: number
  }
  /** How messages are sent, and sent again. */
  readonly delivery?: {
    /** After this, from the answer to the one before it in its channel, an unacknowledged emit has an unknown outcome and is repeated. Default 10,000. */
    readonly ackTimeoutMs?: number
    /** Full-jitter backoff between attempts. Default 1,000 to 30,000. */
    readonly backoff?: Partial<BackoffOptions>
    /** Refused or timed-out attempts before a message is `failed`. Default 10. */
    readonly maxAttempts?: number
    /** How long after its dispatch a message is still sent by itself. Default 24 h, never more than the server's `dedupWindowMs`. */
    readonly retryForMs?: number
    /** In flight per channel when the server announces `ordered`. Default 32; always 1 otherwise. */
    readonly inFlightPerChannel?: number
    /** In flight in all. Default 100. */
    readonly inFlightTotal?: number
  }
  /** What is loaded, and kept in memory. */
  readonly history?: {
    /** Messages per request. Default 50, and never more than `windowSize`. */
    readonly pageSize?: number
    /** Messages kept per channel. Default 1,000. */
    readonly windowSize?: number
    /** Channels whose messages are kept while they are closed. Default 100. */
    readonly maxChannels?: number
  }
  /** Where unsent messages are kept. Default IndexedDB; `false` for nowhere. */
  readonly storage?: KeyValueStorage | false
  /** Fits a server with other names or shapes. */
  readonly protocol?: ProtocolOptions
  /** Checks and types the app's extra message fields. */
  readonly parseExtra?: ParseExtra<X>
  /** Socket events that become the app's own actions; `socketBindings` types them. */
  readonly events?: EventBindings
  /** The app's own actions that become socket emits; `socketBindings` types them. */
  readonly emits?: EmitBindings
  /** Everything that is not deterministic; tests pass their own. */
  readonly environment?: Partial<Environment>
  /** Performance marks in the browser's panel. Default true. */
  readonly userTiming?: boolean
  /** Each measurement as it happens, to forward it. */
  readonly onMetric?: (sample: MetricSample) => void
  /** Every error that is put into the state. */
  readonly onError?: (error: ChatError) => void
}

type Filled<T> = { readonly [K in keyof T]-?: T[K] }
type Sections = 'reconnection' | 'auth' | 'delivery' | 'history'

/** The options with every default in its place. */
export type ResolvedOptions<X extends Extra> = Omit<SocketConfig<X>, Sections | 'onError' | 'onMetric' | 'environment' | 'getToken' | 'token' | 'storage' | 'reducerPath'> & {
  readonly [S in Exclude<Sections, 'delivery'>]: Filled<NonNullable<SocketConfig[S]>>
} & {
  readonly delivery: Filled<NonNullable<SocketConfig['delivery']>> & { readonly backoff: BackoffOptions }
} & {
  /** Neither can throw. */
  readonly onError: NonNullable<SocketConfig['onError']>
  readonly onMetric: SocketConfig['onMetric'] | undefined
  readonly reducerPath: string
  readonly getToken: GetToken
  readonly environment: Environment
  readonly userTiming: boolean
}
