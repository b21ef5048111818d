import type { CloseEvent } from '../transport/transport'
import type { Hold } from './memory-protocol'
import type { ServerLink, ServerPeer } from './memory-server-types'

/** A connection with what only the server may see. */
export interface Peer extends ServerPeer {
  /** Channel -> what it waits for, by the `ordered` promise. */
  readonly holds: Map<string, Hold>
}

/** The server's open connections. */
export interface Peers {
  /** Makes a connection that is not open yet. */
  create(id: string, auth: ServerPeer['auth'], link: ServerLink): Peer
  open(peer: Peer): void
  isOpen(peer: Peer): boolean
  find(peer: ServerPeer): Peer | undefined
  /** Open connections, of one user or of all. */
  all(userId?: string): readonly Peer[]
  /** The link is gone already: nobody is told but those who watch the peer. */
  forget(peer: Peer): boolean
  end(peer: Peer, reason: CloseEvent['reason']): void
}

export function createPeers(): Peers {
  const open = new Set<Peer>()
  const links = new WeakMap<Peer, ServerLink>()
  const watchers = new WeakMap<Peer, (() => void)[]>()

  const forget = (peer: Peer): boolean => {
    if (!open.delete(peer)) return false
    for (const listener of watchers.get(peer)?.splice(0) ?? []) listener()
    return true
  }

  const end = (peer: Peer, reason: CloseEvent['reason']): void => {
    if (forget(peer)) links.get(peer)?.end({ reason, message: `the server ended the connection: ${reason}` })
  }

  const create: Peers['create'] = (id, auth, link) => {
    const peer: Peer = {
      id,
      auth,
      userId: auth.userId,
      holds: new Map(),
      emit: (event, ...args) => { if (open.has(peer)) link.deliver(event, args) },
      disconnect: (reason = 'server_disconnect') => end(peer, reason),
      onGone: (listener) => { watchers.get(peer)?.push(listener) },
    }
    links.set(peer, link)
    watchers.set(peer, [])
    return peer
  }

  return {
    create,
    open: (peer) => { open.add(peer) },
    isOpen: (peer) => open.has(peer),
    find: (peer) => [...open].find((each) => each === peer),
    all: (userId) => [...open].filter((peer) => userId === undefined || peer.userId === userId),
    forget,
    end,
  }
}
