import type { Middleware, Reducer, UnknownAction } from '@reduxjs/toolkit'
import type { Environment } from './environment'
import type { Extra } from './model'
import type { GetToken, ResolvedOptions, SocketConfig } from './options'
// From the inside outwards, which is the order of the bundle too: what is alike stands together there, and gzip looks back 32 kB (450 bytes).
import { ChatConfigError } from './chat-error'
import { BACKOFF } from './policy/backoff'
import { withDefaults } from './policy/defaults'
import { createSelectors, type ChatSelectors } from './state/selectors'
import { createChatReducer, type ChatState } from './state/chat-state'
import { createActions, type Commands, type Facts } from './actions'
import { inboundClash } from './transport/wire'
import { createKeyValueStorage, type KeyValueStorage } from './persistence/key-value'
import { createEnvironment } from './create-environment'
import { createMetrics, type Metrics } from './effects/metrics'
import { shielded } from './effects/shielded'
import { BEARER_TEXT, isBearer } from './effects/token'
import { createChatMiddleware } from './effects/middleware'

/** A chat for a store: mount `reducer` at `reducerPath`, add `middleware`, dispatch `actions`, read with `selectors`. */
export interface Chat<X extends Extra = {}, Path extends string = 'chat'> {
  /** Where `reducer` belongs: `configureStore({ reducer: { [chat.reducerPath]: chat.reducer } })`. */
  readonly reducerPath: Path
  /** Pure: connection, messages, unsent messages and errors. */
  readonly reducer: Reducer<ChatState<X>, UnknownAction>
  /** Between actions and socket events: `middleware: (getDefault) => getDefault().concat(chat.middleware)`. Does nothing before `connect`. */
  readonly middleware: Middleware
  /** What an app dispatches. */
  readonly actions: Commands<X>
  /** What the chat itself dispatches, for reducers and listeners of the app to match: `chat.facts.messagesReceived.match(action)`. Not to be dispatched. */
  readonly facts: Facts<X>
  /** Each takes the root state, and gives the same reference for the same content. */
  readonly selectors: ChatSelectors<X, Path>
  /** Measurements of all stores that use this chat: `getSnapshot()`, `subscribe(listener)`, `reset()`. */
  readonly metrics: Pick<Metrics, 'getSnapshot' | 'subscribe' | 'reset'>
}

const complain = (code: string, reason: string): never => {
  throw new ChatConfigError(code, `unable to create the chat: ${reason}`)
}

function tokenSource<X extends Extra, Path extends string>({ token, getToken }: SocketConfig<X, Path>): GetToken {
  if (typeof token === 'string' && isBearer(token)) complain('bearer_prefix', BEARER_TEXT)
  if (typeof getToken === 'function') return getToken
  return token && typeof token === 'string' ? () => token : complain('token_missing', 'there is no token; give getToken (a function) or token')
}

/** Socket.IO's own: no server sends them, and a socket throws at them. */
const RESERVED: ReadonlySet<string> = new Set(['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'])

function check<X extends Extra, Path extends string>({ url, reducerPath, protocol, events, emits }: SocketConfig<X, Path>): void {
  if (typeof url !== 'string' || url === '') complain('url_missing', 'url must be the address of the Socket.IO server')
  const clash = inboundClash(protocol)
  if (clash !== null) complain('protocol_names_clash', `protocol.names gives two inbound events the name "${clash}"; give each its own`)
  const taken = inboundClash(protocol, Object.keys(events ?? {}))
  if (taken !== null) complain('event_taken', `events binds "${taken}", which the chat reads itself; react to its facts (chat.facts) in place of it`)
  const reserved = [...Object.keys(events ?? {}), ...Object.keys(emits ?? {}), ...Object.values(protocol?.names ?? {})].find((name) => RESERVED.has(name))
  if (reserved !== undefined) complain('event_reserved', `"${reserved}" is a name of Socket.IO's own; of the connection chat.facts tell (connectionOpened, connectionLost)`)
  if (reducerPath === '') complain('reducer_path_empty', 'reducerPath must not be empty')
}

/** Opened once, on first use. */
function withStorage(environment: Environment, storage: KeyValueStorage | false | undefined): Environment {
  if (storage === false) return { ...environment, storage: () => null }
  // A bundler may give a module (`{ default }`) for `redux-persist/lib/storage`: types do not see that, and nothing would be kept.
  if (storage && !(['getItem', 'setItem', 'removeItem'] as const).every((name) => typeof storage[name] === 'function')) {
    complain('storage_invalid', 'storage must have getItem, setItem and removeItem; with Vite, import redux-persist/es/storage')
  }
  const { locks } = environment
  return storage ? { ...environment, storage: (name) => createKeyValueStorage({ name, storage, locks }) } : environment
}

/** With none of these nothing would ever be sent or shown. */
const AT_LEAST_ONE: ReadonlySet<string> = new Set(['pageSize', 'windowSize', 'maxAttempts', 'inFlightPerChannel', 'inFlightTotal'])

function filled<T extends object>(section: string, defaults: T, given: { readonly [K in keyof T]?: T[K] | undefined } | undefined): T {
  if (typeof (given ?? {}) !== 'object' || given === null) complain('option_invalid', `${section} must be an object with any of ${Object.keys(defaults).join(', ')}, not ${String(given)}`)
  const all = withDefaults(defaults, given)
  for (const [name, value] of Object.entries(all)) {
    if (!Object.hasOwn(defaults, name)) complain('option_unknown', `${section} has no option "${name}"; use one of ${Object.keys(defaults).join(', ')}`)
    const least = AT_LEAST_ONE.has(name) ? 1 : 0
    if (name !== 'backoff' && !(typeof value === 'number' && value >= least)) {
      complain('option_invalid', `${section}.${name} must be a number of at least ${least}, not ${String(value)}`)
    }
  }
  return all
}

function resolve<X extends Extra, Path extends string>(config: SocketConfig<X, Path>, path: Path): ResolvedOptions<X> {
  check(config)
  const { delivery, onMetric } = config
  return {
    ...config,
    reducerPath: path,
    getToken: tokenSource(config),
    reconnection: filled('reconnection', { attempts: 5, delayMs: 1_000, jitter: 0.5, timeoutMs: 20_000 }, config.reconnection),
    auth: filled('auth', { timeoutMs: 10_000, renewBeforeMs: 15_000 }, config.auth),
    delivery: filled('delivery', {
      ackTimeoutMs: 10_000, maxAttempts: 10, retryForMs: 24 * 60 * 60 * 1_000, inFlightPerChannel: 32, inFlightTotal: 100, backoff: BACKOFF,
    }, { ...delivery, backoff: filled('delivery.backoff', BACKOFF, delivery?.backoff) }),
    history: filled('history', { pageSize: 50, windowSize: 1_000, maxChannels: 100 }, config.history),
    environment: withStorage(createEnvironment(config.environment), config.storage),
    userTiming: config.userTiming ?? true,
    onError: shielded(config.onError),
    // Without it nothing is to be made for it.
    onMetric: onMetric && shielded(onMetric),
  }
}

/**
 * Creates a chat. No I/O, no timer, no listener before the first `connect`: safe at import time and on a server.
 * One chat may serve several stores, and several chats (with different `reducerPath`s) one store.
 * Throws `ChatConfigError` when `url` or the token is missing or malformed, or when `reconnection`, `auth`, `delivery` or `history` has an
 * unknown option or no possible number.
 */
export function createChat<X extends Extra = {}, const Path extends string = 'chat'>(config: SocketConfig<X, Path>): Chat<X, Path> {
  // Without types nothing at all may be given: then the url is missing.
  const given = { ...config }
  // The default of the type parameter is this very value.
  const path = (given.reducerPath ?? 'chat') as Path
  const options = resolve(given, path)
  const { clock, id } = options.environment
  const actions = createActions<X>(path, { now: () => clock.now(), id })
  const metrics = createMetrics({ clock, userTiming: options.userTiming, onMetric: options.onMetric })
  return {
    reducerPath: path,
    reducer: createChatReducer(path, actions, options.history),
    middleware: createChatMiddleware(options, actions, metrics),
    actions: actions.commands,
    facts: { ...actions.reports, ...actions.events },
    selectors: createSelectors<X, Path>(path),
    metrics,
  }
}
