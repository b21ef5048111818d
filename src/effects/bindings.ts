import type { UnknownAction } from '@reduxjs/toolkit'
import type { RequestResult } from './link'
import type { Runtime } from './runtime'
import type { Extra } from '../model'
import { reasonText } from '../policy/errors'
import { shielded } from './shielded'

/** An app's event map, as Socket.IO types it: event name to listener. */
export type EventMap = { readonly [event: string]: (...args: never[]) => void }

/** `any` may be a function, and is none. */
type WithoutAnswer<A extends readonly unknown[]> = A extends readonly [...infer Sent, infer Last] ? unknown extends Last ? A : [Last] extends [(...answer: never[]) => unknown] ? Sent : A : A
/** What is sent with an event, less the acknowledgement that its sender asks for. */
type ArgsOf<F> = F extends (...args: infer A) => unknown ? WithoutAnswer<A> : never
type FirstOf<A extends readonly unknown[]> = A extends readonly [] ? undefined : A[0]

/** Which action an inbound event dispatches; a function gets all its arguments. `parse` may narrow the first. What throws drops the event and is reported. */
export type EventBinding<A extends readonly unknown[]> =
  | ((...args: A) => UnknownAction)
  | { readonly action: (payload: FirstOf<A>) => UnknownAction; readonly parse: (payload: unknown) => FirstOf<A> }

export type EventBindings = { readonly [event: string]: EventBinding<never> }

/** An action creator that can recognise its own actions, as RTK makes them. */
interface Matcher<P> {
  readonly type: string
  readonly match: (action: UnknownAction) => action is UnknownAction & { payload: P }
}

/** Which of the app's actions is emitted, as what, and what its acknowledgement dispatches. */
export interface EmitBinding<P> {
  readonly action: Matcher<P>
  /** What is sent with the event. Default: the payload, or nothing if there is none. */
  readonly args?: (payload: P) => readonly unknown[]
  /** Called with the server's answer (`more` are its further arguments). Without `acked` and `failed` the emit asks for no acknowledgement. */
  readonly acked?: (response: unknown, payload: P, ...more: readonly unknown[]) => UnknownAction
  /** Called when the emit could not be made (not connected) or was not answered within `ackTimeoutMs`. What it returns is not emitted by this binding again. */
  readonly failed?: (code: 'disconnected' | 'timeout', payload: P) => UnknownAction
}

export type EmitBindings = { readonly [event: string]: Omit<EmitBinding<never>, 'action'> & { readonly action: Matcher<unknown> } }

type TypedEvents<M> = { readonly [E in keyof M]?: EventBinding<ArgsOf<M[E]>> }
type PlainEmit<P> = Omit<EmitBinding<P>, 'args'> & { readonly args?: undefined }
/** An action whose payload is all that the event takes, or any other with `args` that make it of the payload. */
type TypedEmit<A extends readonly unknown[], P> =
  | ([FirstOf<A>] extends A ? PlainEmit<FirstOf<A>> : [] extends A ? PlainEmit<undefined> : never)
  | (Omit<EmitBinding<P>, 'args'> & { readonly args: (payload: P) => A })
type TypedEmits<M, P> = { readonly [E in keyof P]: E extends keyof M ? TypedEmit<ArgsOf<M[E]>, P[E]> : never }

/**
 * Types bindings by the app's own event maps: `socketBindings<ServerEvents, ClientEvents>()({ events, emits })`
 * gives `{ events, emits }` for `createChat`. A wrong event name, or an action whose payload does not fit, does not compile.
 */
export function socketBindings<ServerEvents, ClientEvents = {}>() {
  return <P = {}>(bindings: { readonly events?: TypedEvents<ServerEvents>; readonly emits?: TypedEmits<ClientEvents, P> }) =>
    bindings as unknown as { readonly events?: EventBindings; readonly emits?: EmitBindings }
}

/** Dispatches the action that is bound to an inbound event; an event that is not bound does nothing. */
export function applyEvent<X extends Extra>(runtime: Runtime<X>, name: string, args: readonly unknown[], behind: (run: () => void) => void): void {
  const { events = {} } = runtime.options
  const binding = Object.hasOwn(events, name) && events[name]
  if (!binding) return
  const attempt = (task: () => void): void => {
    try {
      task()
    } catch (reason) {
      runtime.invalid('event_refused', `unable to apply the event "${name}": ${reasonText(reason)}`)
    }
  }
  attempt(() => {
    // What comes is whatever the app's map promises; its own `parse` is what can check it.
    const action = typeof binding === 'function' ? binding(...args as never) : binding.action(binding.parse(args[0]))
    behind(() => attempt(() => {
      origins.set(identityOf(action), { runtime, type: action.type, except: name })
      runtime.dispatch(action)
    }))
  })
}

/** Why an action that we dispatch is not emitted. */
interface Origin {
  readonly runtime: object
  readonly type: string
  /** The event that it came as, which two pages would send back to each other for ever. Null: as no event, because a binding made it of an emit that failed, and without a connection would go on doing so. */
  readonly except: string | null
}

const origins = new WeakMap<object, Origin>()

/** An action is known again by its payload, where that is an object: a middleware before ours may hand on a copy, with a stamp or a trace in it. */
const identityOf = (action: UnknownAction): object => (typeof action['payload'] === 'object' && action['payload'] !== null ? action['payload'] : action)

/** Emits an app action that is bound. */
export function applyEmit<X extends Extra>(runtime: Runtime<X>, action: UnknownAction): void {
  const identity = identityOf(action)
  const origin = origins.get(identity)
  const except = origin?.runtime === runtime && origin.type === action.type ? origin.except : undefined
  // Only this once: an app may give the same object again.
  if (except !== undefined) origins.delete(identity)
  if (except === null) return
  for (const [event, binding] of Object.entries(runtime.options.emits ?? {})) {
    if (except === event || !binding.action.match(action)) continue
    emitBound(runtime, event, binding, action.payload as never)
  }
}

function emitBound<X extends Extra>(runtime: Runtime<X>, event: string, { action, args, acked, failed }: EmitBindings[string], payload: never): void {
  let sent: readonly unknown[]
  try {
    sent = args ? [...args(payload)] : payload === undefined ? [] : [payload]
  } catch (reason) {
    runtime.report('emit_failed', 'args_failed', `unable to emit "${event}": its args threw (${reasonText(reason)})`)
    return
  }
  const settle = (outcome: UnknownAction | undefined): void => {
    const isRepeat = outcome !== undefined && action.match(outcome)
    if (isRepeat) origins.set(identityOf(outcome), { runtime, type: outcome.type, except: null })
    if (!outcome || isRepeat) runtime.report('emit_failed', 'not_delivered', `unable to emit "${event}": no connection, or no answer; bind "failed" to handle it`)
    if (outcome) runtime.dispatch(outcome)
  }
  if (!acked && !failed) {
    if (!runtime.link.emit(event, sent)) settle(undefined)
    return
  }
  // The app's own words: what they throw must not end the loss of a connection that it is told of.
  runtime.link.request(event, sent, shielded((result: RequestResult) => {
    if (!result.ok) settle(failed?.(result.code, payload))
    else if (acked) {
      const [response, ...more] = result.answer
      runtime.dispatch(acked(response, payload, ...more))
    }
  }))
}
