import type { Stop } from '../environment'
import type { ChatError } from '../model'
import { shielded } from './shielded'

/** What is told of a connection, beside the state. */
export interface SocketCallbacks {
  /** The session cannot be authorised: sign in again. */
  readonly onAuthError?: ((error: ChatError) => void) | undefined
  /** Reconnection was given up. */
  readonly onConnectionError?: ((error: ChatError) => void) | undefined
  /** Connected again after a loss. */
  readonly onReconnect?: (() => void) | undefined
}

/** Who is told of one store's connection: who created the chat, and the components that use its socket. What one of them throws harms no other. */
export interface Audience {
  /** The undo is returned. */
  join(callbacks: SocketCallbacks): Stop
  readonly told: { readonly [K in keyof Required<SocketCallbacks>]: NonNullable<SocketCallbacks[K]> }
}

export function createAudience(creator: SocketCallbacks): Audience {
  const members = new Set([creator])
  const all = <A extends readonly unknown[]>(callback: (member: SocketCallbacks) => ((...args: A) => void) | undefined) => (...args: A): void => {
    // Whoever joins meanwhile is told the next time, and whoever has left no more.
    for (const member of [...members]) if (members.has(member)) shielded(callback(member))(...args)
  }
  return {
    join(callbacks) {
      members.add(callbacks)
      return () => members.delete(callbacks)
    },
    told: {
      onAuthError: all((member) => member.onAuthError),
      onConnectionError: all((member) => member.onConnectionError),
      onReconnect: all((member) => member.onReconnect),
    },
  }
}
