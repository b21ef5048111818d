import { useEffect, useState, useSyncExternalStore } from 'react'
import { usePerson } from './person-context'
import { Plot } from './plot'

const POINTS = 60
const SAMPLE_MS = 500
/** From this width on the panel stands beside the chat; `styles.css` has the same number. */
const BESIDE = '(min-width: 900px)'

/** The queue's depth, sampled, the newest last. */
function useDepths(): readonly number[] {
  const { metrics } = usePerson().chat
  const [depths, setDepths] = useState<readonly number[]>([])
  useEffect(() => {
    const timer = setInterval(() => setDepths((values) => [...values, metrics.getSnapshot().queue.depth].slice(-POINTS)), SAMPLE_MS)
    return () => clearInterval(timer)
  }, [metrics])
  return depths
}

/** What happens inside: measurements, errors, and the action log as it flows. */
export function Details() {
  const [open, setOpen] = useState(() => window.matchMedia(BESIDE).matches)
  return (
    <details className="details" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Details <ErrorCount /><NewestAction /></summary>
      {open && <><Measurements /><Errors /><ActionLog /></>}
    </details>
  )
}

function useLog() {
  const { log } = usePerson()
  return useSyncExternalStore(log.subscribe, log.getSnapshot)
}

/** Also seen while the list of them is folded away, as it is on a phone. */
function ErrorCount() {
  const { length } = usePerson().chat.useErrors().errors
  return length > 0 ? <span className="badge">{length === 1 ? '1 error' : `${length} errors`}</span> : null
}

function NewestAction() {
  const [newest] = useLog()
  return newest ? <span className="newest" aria-hidden="true">{newest.type} {newest.about}</span> : null
}

function Measurements() {
  const { chat, latencies } = usePerson()
  const { ackLatency, queue, retries, reconnections, duplicates } = chat.useChatMetrics()
  const acks = useSyncExternalStore(latencies.subscribe, latencies.getSnapshot)
  const depths = useDepths()
  return (
    <div className="measurements">
      <Plot name="Ack latency" unit="ms" values={acks} />
      <Plot name="Queue depth" unit="messages" values={depths} />
      <dl>
        <div><dt>Acks</dt><dd>{ackLatency.count}</dd></div>
        <div><dt>p95</dt><dd>{ackLatency.p95 === null ? '–' : `${ackLatency.p95.toFixed(0)} ms`}</dd></div>
        <div><dt>Queued</dt><dd>{queue.depth}</dd></div>
        <div><dt>Retries</dt><dd>{retries}</dd></div>
        <div><dt>Reconnections</dt><dd>{reconnections}</dd></div>
        <div><dt>Duplicates</dt><dd>{duplicates}</dd></div>
      </dl>
    </div>
  )
}

function Errors() {
  const { errors, dismiss, clear } = usePerson().chat.useErrors()
  if (errors.length === 0) return null
  return (
    <section aria-label="Errors" className="errors">
      <ul>{errors.map(({ id, message, code }) => (
        <li key={id}><code>{code}</code> {message} <button type="button" onClick={() => dismiss(id)}>Dismiss</button></li>
      ))}</ul>
      <button type="button" onClick={clear}>Clear errors</button>
    </section>
  )
}

function ActionLog() {
  const actions = useLog()
  return (
    <section aria-label="Actions" className="log">
      <ol>{actions.map(({ key, type, about, at }) => (
        <li key={key}><time>{new Date(at).toISOString().slice(14, 23)}</time> {type} <code>{about}</code></li>
      ))}</ol>
    </section>
  )
}
