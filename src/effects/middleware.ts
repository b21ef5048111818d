import type { Middleware, UnknownAction } from '@reduxjs/toolkit'
import { isAction } from '@reduxjs/toolkit'
import type { ChatActions } from '../actions'
import { ChatConfigError, mounted } from '../chat-error'
import type { ChatError, Extra } from '../model'
import type { ResolvedOptions } from '../options'
import { fieldsOf } from '../policy/json'
import type { ChatState } from '../state/chat-state'
import { createWire } from '../transport/wire'
import { createAudience } from './audience'
import { createEngine, type Engine } from './engine'
import { createLink } from './link'
import type { Metrics } from './metrics'
import { answer, probeType } from './probe'
import { createReporter } from './reporter'
import type { Runtime } from './runtime'
import { shielded } from './shielded'
import { createTurns } from './turns'

const carriedError = ({ payload }: UnknownAction): ChatError | undefined => fieldsOf(payload)['error'] as ChatError | undefined

/** Which paths have a chat already, by what stands for the store. */
const taken = new WeakMap<object, Set<string>>()

/** Two of one path would each send every message. */
function take(store: object, path: string): void {
  const paths = taken.get(store) ?? new Set()
  if (paths.has(path)) {
    throw new ChatConfigError('reducer_path_taken',
      `unable to add the chat: the store has one at "${path}" already; give each chat a reducerPath of its own, and add its middleware once`)
  }
  taken.set(store, paths.add(path))
}

/** The middleware of one chat. What it keeps, it keeps per store; nothing is opened before an action asks for it. */
export function createChatMiddleware<X extends Extra>(
  options: ResolvedOptions<X>, actions: ChatActions<X>, metrics: Metrics,
): Middleware {
  const { reducerPath, environment } = options
  const { clock } = environment
  const prefix = `${reducerPath}/`
  const probe = probeType(reducerPath)
  const { connect, disconnect, signOut } = actions.commands
  const { connectionLost, errorReported, messageFailed, syncFailed } = actions.reports
  /** What puts an error into the state. An app's own action may be called `chat/...` too, and carry an `error` of its own. */
  const carriers: ReadonlySet<string> = new Set([connectionLost, errorReported, messageFailed, syncFailed].map(({ type }) => type))

  return (api) => {
    take(api, reducerPath)
    const read = (): ChatState<X> | undefined => fieldsOf(api.getState())[reducerPath] as ChatState<X> | undefined
    const getState = (): ChatState<X> => mounted(read(), reducerPath)
    // What a subscriber or another middleware throws must not end what the chat is in the middle of.
    const report = shielded((action: UnknownAction) => void api.dispatch(action))
    const wire = createWire<X>(options)
    const audience = createAudience(options)
    const runtime: Runtime<X> = {
      options, environment, actions, metrics, audience, getState, wire,
      link: createLink(clock, wire, options.delivery.ackTimeoutMs),
      // An action that the app bound is told of where it was bound.
      dispatch: (action) => (action.type.startsWith(prefix) ? report(action) : void api.dispatch(action)),
      ...createReporter(clock, environment.id, metrics, (error) => report(actions.reports.errorReported({ error }))),
      ignored: new WeakSet(),
      reconcile: () => engine.reconcile(),
    }
    const engine = createEngine(runtime) as unknown as Engine

    const run = createTurns({ switches: [connect.type, disconnect.type, signOut.type], engine, read })

    return (next) => (action) => {
      if (!isAction(action)) return next(action)
      const ours = action.type.startsWith(prefix)
      if (ours) getState()
      if (action.type === probe) return answer(action, audience)
      try {
        return run(next, action)
      } finally {
        // Also when a subscriber throws: it does so when the error is in the state.
        const error = carriers.has(action.type) && carriedError(action)
        if (error) options.onError(error)
      }
    }
  }
}
