import { useState, useSyncExternalStore } from 'react'
import { post } from './identity'
import { usePerson } from './person-context'

interface SwitchProps {
  readonly name: string
  readonly on: boolean
  readonly onChange: (on: boolean) => void
}

const Switch = ({ name, on, onChange }: SwitchProps) => (
  <button type="button" role="switch" aria-checked={on} className="switch" onClick={() => onChange(!on)}>{name}</button>
)

/** Old messages were never announced: a fresh page begins at the channel's end and loads them as one scrolls up. */
const showFromItsEnd = (): void => window.location.reload()

/** What can go wrong, at the press of a button. */
export function Controls({ channelId }: { readonly channelId: string }) {
  const { userId, network } = usePerson()
  const networkOn = useSyncExternalStore(network.subscribe, network.isOn)
  const [dropsAcks, setDropsAcks] = useState(false)
  const [problem, setProblem] = useState('')

  const ask = (path: string, body: object, then: () => void = () => undefined): void => {
    setProblem('')
    post(path, body).then(then, (reason: unknown) => setProblem(String(reason)))
  }

  return (
    <fieldset className="controls">
      <legend>Make it fail</legend>
      <Switch name="Network" on={networkOn} onChange={network.set} />
      <Switch name="Drop acks" on={dropsAcks} onChange={(on) => { setDropsAcks(on); ask('/control/faults', { userId, dropAcks: on }) }} />
      <button type="button" onClick={() => ask('/control/expire', { userId })}>Expire token</button>
      <button type="button" onClick={() => ask('/control/faults', { userId, rejectNext: 1 })}>Reject next message</button>
      <button type="button" onClick={() => ask('/control/crash', { downMs: 2_000 })}>Restart server</button>
      <button type="button" onClick={() => ask('/control/seed', { channelId, count: 200 }, showFromItsEnd)}>Load 200 old messages</button>
      {problem && <p role="alert">{problem}</p>}
    </fieldset>
  )
}
