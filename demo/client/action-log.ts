import type { UnknownAction } from '@reduxjs/toolkit'

export interface LoggedAction {
  readonly key: number
  readonly type: string
  /** The end of the message id that the action is about. */
  readonly about: string
  readonly at: number
}

const KEPT = 200

const aboutOf = ({ meta }: UnknownAction): string =>
  typeof meta === 'object' && meta !== null && 'id' in meta ? String(meta.id).slice(-6) : ''

/** The newest actions, newest first; told to its listeners once per frame. */
export function createActionLog() {
  const listeners = new Set<() => void>()
  let entries: readonly LoggedAction[] = []
  let count = 0
  let told = false

  function tell(): void {
    if (told) return
    told = true
    requestAnimationFrame(() => {
      told = false
      for (const listener of listeners) listener()
    })
  }

  return {
    add(action: UnknownAction): void {
      entries = [{ key: count++, type: action.type, about: aboutOf(action), at: Date.now() }, ...entries].slice(0, KEPT)
      tell()
    },
    getSnapshot: (): readonly LoggedAction[] => entries,
    subscribe(listener: () => void): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
