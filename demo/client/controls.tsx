import { useEffect, useState, useSyncExternalStore } from 'react'
import { dropsAcksOf, post } from './identity'
import { usePerson } from './person-context'

interface SwitchProps {
  readonly name: string
  readonly on: boolean
  readonly onChange: (on: boolean) => void
}

const Switch = ({ name, on, onChange }: SwitchProps) => (
  <button type="button" role="switch" aria-checked={on} className="switch" onClick={() => onChange(!on)}>{name}</button>
)

/** They are announced to nobody: fresh pages, of both people if both are here, begin at the channel's end and load them as one scrolls up. */
const showFromItsEnd = (): void => (window.top ?? window).location.reload()

/** The server keeps this switch, so a fresh page asks for it; what was pressed before the answer came counts. */
function useDropsAcks(userId: string) {
  const [pressed, setPressed] = useState<boolean | null>(null)
  useEffect(() => {
    let left = false
    void dropsAcksOf(userId).then((on) => { if (!left) setPressed((now) => now ?? on) })
    return () => { left = true }
  }, [userId])
  return [pressed ?? false, setPressed] as const
}

const QUIET = { text: '', bad: false }
/** Long enough to read; an error stays. */
const NOTE_MS = 6_000

/** What the last press did, for a moment. */
function useNote() {
  const [note, setNote] = useState(QUIET)
  useEffect(() => {
    if (note.text === '' || note.bad) return undefined
    const timer = setTimeout(() => setNote(QUIET), NOTE_MS)
    return () => clearTimeout(timer)
  }, [note])
  return [note, setNote] as const
}

/** What can go wrong, at the press of a button. */
export function Controls({ channelId }: { readonly channelId: string }) {
  const { userId, network } = usePerson()
  const networkOn = useSyncExternalStore(network.subscribe, network.isOn)
  const [dropsAcks, setDropsAcks] = useDropsAcks(userId)
  const [note, setNote] = useNote()

  const ask = (path: string, body: object, text: string, then: () => void = () => undefined): void => {
    setNote(QUIET)
    post(path, body).then(() => { setNote({ text, bad: false }); then() }, (reason: unknown) => setNote({ text: String(reason), bad: true }))
  }
  const dropAcks = (on: boolean): void => {
    setDropsAcks(on)
    ask('/control/faults', { userId, dropAcks: on }, on ? 'The server commits what you send and keeps its answer to itself.' : '')
  }

  return (
    <fieldset className="controls">
      <legend>Make it fail</legend>
      <Switch name="Network" on={networkOn} onChange={network.set} />
      <Switch name="Drop acks" on={dropsAcks} onChange={dropAcks} />
      <button type="button" onClick={() => ask('/control/expire', { userId }, 'Your token has expired: a fresh one is fetched.')}>Expire token</button>
      <button type="button" onClick={() => ask('/control/faults', { userId, rejectNext: 1 }, 'Your next message will be refused.')}>Reject next message</button>
      <button type="button" onClick={() => ask('/control/crash', { downMs: 2_000 }, 'The server is gone for two seconds, for everybody.')}>Restart server</button>
      <button type="button" onClick={() => ask('/control/seed', { channelId, count: 200 }, '', showFromItsEnd)}>Add 200 messages</button>
      <p role={note.bad ? 'alert' : 'status'} className={note.bad ? 'note bad' : 'note'}>{note.text}</p>
    </fieldset>
  )
}
