import { createSocketIoTransport, type CloseEvent, type Lifecycle, type Transport } from 'redux-chat'
import { createEnvironment } from '../../src/create-environment'

/** A browser that blocks the site's data throws at the very look at it: then the switch is forgotten at a reload. */
function kept(key: string): string | null {
  try {
    return sessionStorage.getItem(key)
  } catch {
    return null
  }
}

function keep(key: string, value: string): void {
  try {
    sessionStorage.setItem(key, value)
  } catch {
    // As above.
  }
}

/** The real transport behind a switch; off cuts what is open and lets nothing new through, also after a reload. */
export function createSwitchedTransport(userId: string) {
  // The two people of the split view share one tab's storage: each has a switch of their own.
  const key = `redux-chat-demo:network:${userId}`
  const real = createSocketIoTransport()
  const cuts = new Set<() => void>()
  const listeners = new Set<() => void>()
  let on = kept(key) !== 'off'

  const transport: Transport = {
    open(request, handlers) {
      let ended = false
      const end = (event: CloseEvent): void => {
        if (ended) return
        ended = true
        cuts.delete(cut)
        handlers.onClose(event)
      }
      const cut = (): void => {
        connection?.close()
        end({ reason: 'transport_close', message: 'the demo cut the network' })
      }
      const connection = on ? real.open(request, { ...handlers, onClose: end }) : null
      if (connection) cuts.add(cut)
      else queueMicrotask(() => end({ reason: 'unreachable', message: 'the demo cut the network' }))
      return {
        emit: (event, args, onAck) => connection?.emit(event, args, onAck),
        close() {
          ended = true
          cuts.delete(cut)
          connection?.close()
        },
      }
    },
  }

  /** The page's own, and the switch as what the browser would say of the network. */
  const page = createEnvironment().lifecycle
  const lifecycle: Lifecycle = {
    isOnline: () => on && page.isOnline(),
    subscribe(listener) {
      const onSwitch = (): void => listener(on ? 'online' : 'offline')
      listeners.add(onSwitch)
      const stopPage = page.subscribe(listener)
      return () => {
        listeners.delete(onSwitch)
        stopPage()
      }
    },
  }

  return {
    transport,
    lifecycle,
    isOn: () => on,
    set(next: boolean): void {
      on = next
      keep(key, on ? 'on' : 'off')
      if (!on) for (const cut of cuts) cut()
      for (const listener of listeners) listener()
    },
    subscribe(listener: () => void): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
