import { defaultRangeExtractor, useVirtualizer, type Range } from '@tanstack/react-virtual'
import { useEffect, useRef } from 'react'
import type { Message } from 'redux-chat'
import { focusLog } from './focus'
import { MessageRow } from './message-row'
import { usePerson } from './person-context'
import { useAtEnd, useStayAtEnd } from './use-stay-at-end'
import { useVisible } from './use-visible'

/** This near to an edge counts as being there. */
const EDGE_PX = 60
/** Room for what stands above the oldest message. */
const TOP_PX = 44
/** Between the newest message and the composer. */
const END_PX = 8

export function MessageList({ channelId }: { readonly channelId: string }) {
  const { chat, store } = usePerson()
  const messages = chat.useMessages(channelId)
  const { hasOlder, hasNewer, loadingOlder, gap, loadOlder, loadNewer } = chat.useChannel(channelId)
  const scroller = useRef<HTMLDivElement>(null)
  const newest = messages.at(-1)
  const end = useAtEnd(scroller, newest, EDGE_PX)
  const { atEnd } = end
  const rows = useRows(messages, scroller, atEnd)
  useStayAtEnd({ rows, scroller, end, newestId: newest?.id })
  useMarkRead(channelId, atEnd && !hasNewer)

  function onScrolled({ scrollTop, scrollHeight, clientHeight }: HTMLElement): void {
    end.onScroll(scrollTop, hasNewer)
    if (scrollTop < EDGE_PX && hasOlder && !loadingOlder) loadOlder()
    if (scrollHeight - scrollTop - clientHeight < EDGE_PX && hasNewer) loadNewer()
  }

  function jumpToLatest(): void {
    if (hasNewer) store.dispatch(chat.actions.openChannel({ channelId }))
    end.follow()
    focusLog()
  }

  return (
    <div className="messages">
      {gap && <p className="notice" role="status">Messages {gap.after + 1} to {gap.before - 1} are being fetched</p>}
      <div ref={scroller} className="scroller" onScroll={(event) => onScrolled(event.currentTarget)} role="log" aria-relevant="additions" aria-label={`Messages in ${channelId}`} tabIndex={0}>
        <div className="rows" style={{ height: rows.getTotalSize() }}>
          {hasOlder && <button type="button" className="older" tabIndex={-1} onClick={loadOlder} disabled={loadingOlder}>{loadingOlder ? 'Loading' : 'Load older messages'}</button>}
          {rows.getVirtualItems().map(({ key, index, start }) => (
            <div key={key} ref={rows.measureElement} data-index={index} className="row" style={{ transform: `translateY(${start}px)` }}>
              <Row message={messages[index]} newDay={isNewDay(messages[index - 1], messages[index], hasOlder)} />
            </div>
          ))}
        </div>
        {messages.length === 0 && <p className="empty">No messages yet. Say hello.</p>}
      </div>
      {(!atEnd || hasNewer) && <button type="button" className="latest" onClick={jumpToLatest}>Jump to latest</button>}
    </div>
  )
}

const dayOf = (message: Message | undefined): string => (message ? new Date(message.createdAt).toDateString() : '')

/** With more above, the first one's day is not known to be new: a label that vanished later would move what is read. */
const isNewDay = (before: Message | undefined, message: Message | undefined, hasOlder: boolean): boolean =>
  before ? dayOf(before) !== dayOf(message) : !hasOlder

const Row = ({ message, newDay }: { readonly message: Message | undefined; readonly newDay: boolean }) =>
  message && <MessageRow message={message} newDay={newDay} />

/** Only what is on the screen is rendered; what comes in above moves nothing that is being read. */
function useRows(messages: readonly Message[], scroller: { readonly current: HTMLDivElement | null }, atEnd: boolean) {
  /** Who is at the end sees what came in with the commit that brings it, and not only with the scroll event that comes of it. */
  const rowsAtEnd = ({ count, overscan }: Range): number[] => {
    const top = rows.getTotalSize() - (rows.scrollRect?.height ?? 0)
    return defaultRangeExtractor({ startIndex: rows.getVirtualItemForOffset(top)?.index ?? 0, endIndex: count - 1, count, overscan })
  }
  const rows = useVirtualizer({
    count: messages.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 72,
    getItemKey: (index) => messages[index]?.id ?? index,
    // Nobody sees what stands above the end before they scroll, and in a burst it is gone by then.
    overscan: atEnd ? 2 : 6,
    rangeExtractor: atEnd ? rowsAtEnd : defaultRangeExtractor,
    // One commit for all that a frame changes, in place of one for each scroll event.
    useFlushSync: false,
    paddingStart: TOP_PX,
    paddingEnd: END_PX,
    anchorTo: 'end',
    scrollEndThreshold: EDGE_PX,
  })
  const { itemSizeCache: sizes } = rows
  // It remembers the size of every row that there ever was: those that left the window are forgotten, many at a time.
  useEffect(() => {
    if (sizes.size <= 2 * messages.length) return
    const loaded = new Set(messages.map(({ id }) => id))
    for (const key of sizes.keys()) if (!loaded.has(String(key))) sizes.delete(key)
  }, [sizes, messages])
  return rows
}

/** In a burst, what has been read is told this often: each mark changes the status of every row. */
const READ_MS = 250

/** What stands at the end of a visible page has been read. */
function useMarkRead(channelId: string, sees: boolean): void {
  const { chat } = usePerson()
  const { markRead } = chat.useChannel(channelId)
  const isUnread = chat.useUnreadCount(channelId) > 0
  const visible = useVisible()
  useEffect(() => {
    if (!visible || !sees || !isUnread) return undefined
    const timer = setTimeout(markRead, READ_MS)
    return () => clearTimeout(timer)
  }, [visible, sees, isUnread, markRead])
}
