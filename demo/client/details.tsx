import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import { usePerson } from './person-context'
import { Plot } from './plot'

const POINTS = 60

/** One value a half second, the newest last. */
function useHistory(read: () => number): readonly number[] {
  const [history, setHistory] = useState<readonly number[]>([])
  useEffect(() => {
    const timer = setInterval(() => setHistory((values) => [...values, read()].slice(-POINTS)), 500)
    return () => clearInterval(timer)
  }, [read])
  return history
}

/** What happens inside: measurements, errors, and the action log as it flows. */
export function Details() {
  const { chat } = usePerson()
  return (
    <details className="details">
      <summary>Details</summary>
      <Measurements chat={chat} />
      <Errors />
      <ActionLog />
    </details>
  )
}

function Measurements({ chat }: Pick<ReturnType<typeof usePerson>, 'chat'>) {
  const { ackLatency, queue, retries, reconnections, duplicates } = chat.useChatMetrics()
  const latency = useHistory(useCallback(() => chat.metrics.getSnapshot().ackLatency.p50 ?? 0, [chat]))
  const depth = useHistory(useCallback(() => chat.metrics.getSnapshot().queue.depth, [chat]))
  return (
    <div className="measurements">
      <Plot name="Ack latency, p50" unit="ms" values={latency} />
      <Plot name="Queue depth" unit="messages" values={depth} />
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
  const { log } = usePerson()
  const actions = useSyncExternalStore(log.subscribe, log.getSnapshot)
  return (
    <section aria-label="Actions" className="log">
      <ol>{actions.map(({ key, type, about, at }) => (
        <li key={key}><time>{new Date(at).toISOString().slice(14, 23)}</time> {type} <code>{about}</code></li>
      ))}</ol>
    </section>
  )
}
