import { entriesIn, SUSPECT_LOSSES } from '../../src/policy/outbox'
import type { RefusalWorld } from './refusal-world'

/** The way of a packet and back, and what a late timer may cost. */
const SLACK_MS = 1_500
/** A renewal of the token that is not answered is repeated after 5 seconds. */
const IDLE_MS = 8_000

interface Coded { readonly code?: string }

/** What the server may never see, and no state show. */
export function createRefusalWatch({ server, clock, kind, windowMs, inFlightTotal, early, now }: RefusalWorld) {
  const problems: string[] = []
  /** Retried by the user: its budget and its pauses begin anew. */
  const retried = new Set<string>()
  const composedAt = new Map<string, number>()
  /** This page was told how soon the server forgets; and what was sent before any page was. */
  let isTold = false
  const untold = new Set<string>()
  let idleSince = Infinity
  const note = (problem: string): void => { if (problems.length < 4) problems.push(problem) }

  const entries = () => entriesIn(now.tab.store.getState().chat?.outbox ?? { channels: [] })

  /** What the server has had once, and may have forgotten by now, is not emitted again. */
  function checkEmitted({ id, at }: { readonly id: string; readonly at: number }): void {
    const age = at - (composedAt.get(id) ?? at)
    const isKnown = server.received('message:send').some(({ payload }) => (payload as { readonly id: string }).id === id)
    if (isKnown && !retried.has(id) && !untold.has(id) && age > windowMs + SLACK_MS) note(`sent again after ${age} ms to a server that forgets after ${windowMs}`)
    if (!isTold) untold.add(id)
  }

  function checkFlights(): void {
    const leased = entries().filter(({ lease }) => lease !== null)
    if (leased.length > inFlightTotal) note(`${leased.length} in flight of ${inFlightTotal}`)
    // It has the connection alone for a second.
    const emittedAt = (entry: (typeof leased)[number]): number => entry.lease?.deadline ?? 0
    const hasCompany = leased.some((suspect) => suspect.losses >= SUSPECT_LOSSES && leased.some((other) =>
      other !== suspect && emittedAt(other) > emittedAt(suspect) && emittedAt(other) - emittedAt(suspect) < 999))
    if (hasCompany) note('others fly with a suspect')
  }

  /** Whatever is first in its channel and waits for nothing goes soon. */
  function checkIdle(): void {
    const { status, capabilities } = now.tab.connection()
    const all = entries()
    const first = all.filter((entry, i) => !entry.failure && all.findIndex((other) => other.message.channelId === entry.message.channelId && !other.failure) === i)
    const isIdle = status === 'connected' && capabilities.length > 0 && all.every(({ lease }) => lease === null) &&
      first.some(({ nextAttemptAt }) => nextAttemptAt === null || nextAttemptAt < clock.now() - SLACK_MS)
    if (!isIdle) idleSince = Infinity
    else if (idleSince === Infinity) idleSince = clock.monotonic()
    else if (clock.monotonic() - idleSince > IDLE_MS) note('nothing is sent, and there is something to send')
  }

  function told(): void {
    isTold = true
    untold.clear()
  }

  function checkActions(): void {
    const { actions } = now.tab
    for (const { type, payload } of actions.splice(0)) {
      if (type === 'chat/messageEmitted') checkEmitted(payload as { readonly id: string; readonly at: number })
      if (type === 'chat/sessionAnnounced') told()
      const { reason: { code: reason } = {}, failure: { code: failed } = {} } = (payload ?? {}) as { readonly reason?: Coded; readonly failure?: Coded }
      if (type === 'chat/messageFailed' && failed === 'duplicate') note('failed because the server has it')
      if (kind === 'fair' && type === 'chat/messageDelayed' && reason === 'timeout') note('late, though each emit is answered')
    }
  }

  return {
    composed(id: string): void {
      composedAt.set(id, clock.now())
    },
    /** What a sleeping device does not do is no idleness. */
    slept: (): void => { idleSince = Infinity },
    retried: (id: string): void => void retried.add(id),
    /** The page that is there from now on. */
    watch(): void {
      isTold = false
      now.tab.store.subscribe(() => {
        checkActions()
        checkFlights()
      })
    },
    /** `isSteady`: nothing has been done to the device or the network for a while. */
    take(isSteady: boolean): readonly string[] {
      checkFlights()
      checkActions()
      if (isSteady) checkIdle()
      else idleSince = Infinity
      return [...problems.splice(0), ...early.splice(0)]
    },
  }
}

export type RefusalWatch = ReturnType<typeof createRefusalWatch>
