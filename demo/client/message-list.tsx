import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { usePerson } from './person-context'
import { MessageRow } from './message-row'

/** This near to an edge counts as being there. */
const EDGE_PX = 60

function useVisible(): boolean {
  const [visible, setVisible] = useState(() => document.visibilityState === 'visible')
  useEffect(() => {
    const onChange = (): void => setVisible(document.visibilityState === 'visible')
    document.addEventListener('visibilitychange', onChange)
    return () => document.removeEventListener('visibilitychange', onChange)
  }, [])
  return visible
}

export function MessageList({ channelId }: { readonly channelId: string }) {
  const { chat, store } = usePerson()
  const messages = chat.useMessages(channelId)
  const { hasOlder, hasNewer, loadingOlder, gap, loadOlder, markRead } = chat.useChannel(channelId)
  const unread = chat.useUnreadCount(channelId)
  const visible = useVisible()
  const scroller = useRef<HTMLDivElement>(null)
  const [atEnd, setAtEnd] = useState(true)
  const lastTop = useRef(0)
  const anchor = useRef<{ readonly id: string | undefined; readonly fromTop: number }>({ id: undefined, fromTop: 0 })
  const rows = useVirtualizer({
    count: messages.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 58,
    getItemKey: (index) => messages[index]?.id ?? index,
    overscan: 12,
  })

  // Older messages come in above: the row that was first stays where it was.
  const firstId = messages[0]?.id
  useLayoutEffect(() => {
    const { id, fromTop } = anchor.current
    if (id === firstId) return
    const index = id === undefined ? -1 : messages.findIndex((message) => message.id === id)
    if (!atEnd && index > 0 && fromTop < EDGE_PX) rows.scrollToIndex(index, { align: 'start' })
    anchor.current = { id: firstId, fromTop: scroller.current?.scrollTop ?? 0 }
  })

  // At the end it stays there, also while rows are measured and the window is resized.
  const height = rows.getTotalSize()
  const lastId = messages.at(-1)?.id
  useLayoutEffect(() => {
    if (atEnd && scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight
  }, [height, lastId, atEnd])

  useEffect(() => {
    if (visible && atEnd && unread > 0 && !hasNewer) markRead()
  }, [visible, atEnd, unread, hasNewer, markRead])

  function onScroll(): void {
    const element = scroller.current
    if (!element) return
    anchor.current = { id: firstId, fromTop: element.scrollTop }
    const nearEnd = element.scrollHeight - element.scrollTop - element.clientHeight < EDGE_PX
    // Only a person scrolls up; growing content does not.
    if (nearEnd) setAtEnd(true)
    else if (element.scrollTop < lastTop.current) setAtEnd(false)
    lastTop.current = element.scrollTop
    if (element.scrollTop < EDGE_PX && hasOlder && !loadingOlder) loadOlder()
  }

  function jumpToLatest(): void {
    if (hasNewer) store.dispatch(chat.actions.openChannel({ channelId }))
    setAtEnd(true)
  }

  return (
    <div className="messages">
      {gap && <p className="notice" role="status">Messages {gap.after + 1} to {gap.before - 1} are being fetched</p>}
      <div ref={scroller} className="scroller" onScroll={onScroll} role="log" aria-label={`Messages in ${channelId}`} tabIndex={0}>
        {hasOlder && <button type="button" className="older" onClick={loadOlder} disabled={loadingOlder}>{loadingOlder ? 'Loading' : 'Load older messages'}</button>}
        <div className="rows" style={{ height }}>
          {rows.getVirtualItems().map((item) => {
            const message = messages[item.index]
            return message && (
              <div key={item.key} ref={rows.measureElement} data-index={item.index} className="row" style={{ transform: `translateY(${item.start}px)` }}>
                <MessageRow message={message} newDay={isNewDay(messages[item.index - 1]?.createdAt, message.createdAt)} />
              </div>
            )
          })}
        </div>
        {messages.length === 0 && <p className="empty">No messages yet. Say hello.</p>}
      </div>
      {(!atEnd || hasNewer) && <button type="button" className="latest" onClick={jumpToLatest}>Jump to latest</button>}
    </div>
  )
}

const isNewDay = (before: number | undefined, now: number): boolean =>
  before === undefined || new Date(before).toDateString() !== new Date(now).toDateString()
