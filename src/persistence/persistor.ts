import { FLUSH, PAUSE, PERSIST, PURGE } from 'redux-persist'
import { fieldsOf, type Fields } from '../policy/json'
import type { Writer } from './writer'

export interface PersistorDeps {
  /** The key that redux-persist's registry shows. */
  readonly scope: string
  readonly writer: Writer
  /** Removes all records, of everybody. */
  purge(): Promise<void>
}

/** Answers what `persistStore` and its persistor dispatch, with their callbacks in the action. */
export function createPersistor({ scope, writer, purge }: PersistorDeps) {
  const registered = new WeakSet<object>()

  function handle(action: unknown): void {
    const { type, result } = fieldsOf(action)
    if (type === PAUSE) writer.pause()
    else if (type === PERSIST) begin(fieldsOf(action))
    else if (type === FLUSH || type === PURGE) {
      // Without its callback it is a replay.
      if (typeof result !== 'function') return
      const done = type === FLUSH ? writer.flush() : purge()
      // Whoever asked sees it fail; nobody has to.
      done.catch(() => undefined)
      result(done)
    }
  }

  function begin({ register, rehydrate }: Fields): void {
    writer.resume()
    if (typeof register !== 'function' || typeof rehydrate !== 'function') return
    // The same action resumes a persistor, which then waits for nothing.
    if (registered.has(register)) return
    registered.add(register)
    register(scope)
    // Nothing to wait for: a user's messages are restored at `connect`, which may be long after the gate has opened.
    queueMicrotask(() => rehydrate(scope, undefined))
  }

  return handle
}
