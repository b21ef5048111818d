import type { ChannelState } from '../../src/state/channel-state'
import { entriesOf, valueAt } from '../../src/policy/table'
import { lengthOf } from '../../src/policy/sequence'
import { CHANNELS, type LogWorld } from './log-world'

type Channels = NonNullable<ReturnType<LogWorld['tab']['store']['getState']>['chat']>['messages']

const idsOf = (channel: ChannelState | undefined): readonly string[] => (channel?.messages ?? []).flat().map(({ id }) => id)

/** What may never happen, from one state to the next. */
export function createLogWatch({ tab, kind, windowSize, maxChannels, server }: LogWorld) {
  const problems: string[] = []
  /** The order in which channels were opened last. */
  const opened = new Map<string, number>()
  let openings = 0
  /** Mine, that the server may not have lost. */
  const composed = new Map<string, string>()
  let before: Channels = []
  const now = (): Channels => tab.store.getState().chat?.messages ?? []
  const note = (problem: string): void => { if (problems.length < 5) problems.push(problem) }

  const isClosed = (channel: ChannelState): boolean => !channel.open && channel.cursor !== null

  /** The closed channels that hold messages: no more than are wanted, and never an older one in place of one opened later. */
  function checkClosed(after: Channels): void {
    const holding = entriesOf(after).filter(([, channel]) => isClosed(channel) && lengthOf(channel.messages) > 0)
    if (holding.length > maxChannels) note(`${holding.length} closed channels hold messages`)
    for (const [channelId, channel] of entriesOf(after)) {
      const was = valueAt(before, channelId)
      if (!was || lengthOf(was.messages) === 0 || lengthOf(channel.messages) > 0 || !isClosed(channel)) continue
      // Who missed more than the window holds begins again at the end: that is no shrinking.
      if (channel.cursor !== was.cursor) continue
      const place = opened.get(channelId) ?? 0
      const older = holding.find(([other]) => (opened.get(other) ?? Infinity) < place)
      if (older) note(`${channelId} shrank before ${older[0]}, which was opened earlier`)
    }
  }

  function checkChannel(channelId: string, type: string, after: Channels): void {
    const [was, is] = [valueAt(before, channelId), valueAt(after, channelId)]
    if (!is || was === is) return
    const [held, holds] = [idsOf(was), new Set(idsOf(is))]
    if (holds.size > windowSize) note(`${holds.size} in a window of ${windowSize}`)
    if (type.endsWith('/messagesReceived') && was?.detached && is.detached && held.some((id) => !holds.has(id))) note('a reader who has scrolled back lost what they read')
    if (type.endsWith('/messagesReceived') && was?.detached && is.detached && holds.size > held.length) note('what is new joined a window that is scrolled back')
    if (kind !== 'steady' && kind !== 'blind') return
    const gone = held.filter((id) => !holds.has(id))
    if (gone.length > 0) note(`${gone.length} of ${channelId} vanished (${type})`)
  }

  const isShown = (id: string, channelId: string): boolean => tab.messages(channelId).some((message) => message.id === id)

  /** Mine is shown from the moment it is composed, until the server loses it; of a new log the server may have it, and this tab its end only. */
  function checkMine(): void {
    if (kind === 'small') return
    for (const [id, channelId] of composed) {
      const isRead = kind !== 'anew' || !server.log(channelId).some((message) => message.id === id)
      if (isRead && !isShown(id, channelId)) note(`mine vanished from ${channelId}`)
    }
  }

  /** The moment of its acknowledgement changes nothing of that. */
  function checkAcked({ type, payload }: { readonly type: string; readonly payload?: unknown }): void {
    if (!type.endsWith('/messageAcked') || kind === 'small') return
    const { id, channelId } = payload as { readonly id: string; readonly channelId: string }
    if (!valueAt(now(), channelId)?.detached && !isShown(id, channelId)) note(`mine vanished from ${channelId} when it was acknowledged`)
  }

  /** What is told as loaded is something, or the end. */
  function checkPage({ type, payload }: { readonly type: string; readonly payload?: unknown }): void {
    if (!type.endsWith('/pageLoaded')) return
    const { page: { messages, more } } = payload as { readonly page: { readonly messages: readonly unknown[]; readonly more: boolean } }
    if (more && messages.length === 0) note('a page that promises more and gives nothing was taken')
  }

  tab.store.subscribe(() => {
    const after = now()
    if (after === before) return
    const action = tab.actions.at(-1) ?? { type: '' }
    const { type } = action
    const isSwitch = type.endsWith('/connect') || type.endsWith('/signOut')
    if (!isSwitch) {
      for (const channelId of CHANNELS) checkChannel(channelId, type, after)
      checkClosed(after)
      checkMine()
      checkAcked(action)
      checkPage(action)
    }
    before = after
  })

  return {
    opened(channelId: string): void {
      opened.set(channelId, ++openings)
    },
    composed: (id: string, channelId: string): void => void composed.set(id, channelId),
    /** What the server had is lost, or somebody else is here. */
    lost: (isAll: boolean): void => {
      // What the next user finds closed, nobody has opened.
      if (isAll) opened.clear()
      const logged = new Set(CHANNELS.flatMap((channelId) => server.log(channelId).map(({ id }) => id)))
      for (const id of composed.keys()) if (isAll || logged.has(id)) composed.delete(id)
    },
    /** What went wrong since the last time. */
    take(): readonly string[] {
      const codes = tab.errors().filter(({ type }) => type === 'sync_failed').map(({ code }) => code)
      return [
        ...problems.splice(0),
        ...codes.filter((code) => !['forbidden', 'empty_page'].includes(code)).map((code) => `an error that nobody made: ${code}`),
      ]
    },
  }
}

export type LogWatch = ReturnType<typeof createLogWatch>
