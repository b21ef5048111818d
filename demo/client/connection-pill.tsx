import { useLayoutEffect, useState } from 'react'
import { focusLog } from './focus'
import { usePerson } from './person-context'

const TEXTS = {
  idle: 'Not connected', connecting: 'Connecting', connected: 'Connected', reconnecting: 'Reconnecting',
  offline: 'Offline', unauthorized: 'Sign in to send', failed: 'Gave up',
}

function useSecondsUntil(moment: number | null): number | null {
  const [now, setNow] = useState(() => Date.now())
  useLayoutEffect(() => {
    if (moment === null) return undefined
    const tick = () => setNow(Date.now())
    tick()
    const timer = setInterval(tick, 200)
    return () => clearInterval(timer)
  }, [moment])
  return moment === null ? null : Math.max(0, Math.ceil((moment - now) / 1000))
}

export function ConnectionPill() {
  const { chat, store, userId } = usePerson()
  const { status, attempt, nextRetryAt } = chat.useConnection()
  const seconds = useSecondsUntil(nextRetryAt)
  const again = (): void => {
    store.dispatch(chat.actions.connect({ userId }))
    focusLog()
  }
  return (
    <span className={`pill ${status}`} role="status">
      {TEXTS[status]}{status === 'reconnecting' && ` (${attempt})`}
      {status === 'reconnecting' && seconds !== null && <span aria-hidden>in {seconds} s</span>}
      {(status === 'failed' || status === 'unauthorized') &&
        <button type="button" onClick={again}>Connect</button>}
    </span>
  )
}
