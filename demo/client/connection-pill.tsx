import { useEffect, useState } from 'react'
import { usePerson } from './person-context'

const TEXTS = {
  idle: 'Not connected', connecting: 'Connecting', connected: 'Connected', reconnecting: 'Reconnecting',
  offline: 'Offline', unauthorized: 'Sign in to send', failed: 'Gave up',
}

function useSecondsUntil(moment: number | null): number | null {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (moment === null) return undefined
    const timer = setInterval(() => setNow(Date.now()), 200)
    return () => clearInterval(timer)
  }, [moment])
  return moment === null ? null : Math.max(0, Math.ceil((moment - now) / 1000))
}

export function ConnectionPill() {
  const { chat, store, userId } = usePerson()
  const { status, attempt, nextRetryAt } = chat.useConnection()
  const seconds = useSecondsUntil(nextRetryAt)
  return (
    <span className={`pill ${status}`} role="status">
      {TEXTS[status]}{status === 'reconnecting' && ` (${attempt}${seconds === null ? '' : `, in ${seconds} s`})`}
      {(status === 'failed' || status === 'unauthorized') &&
        <button type="button" onClick={() => store.dispatch(chat.actions.connect({ userId }))}>Connect</button>}
    </span>
  )
}
