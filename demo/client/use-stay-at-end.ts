import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from 'react'
import type { Message } from 'redux-chat'

type Scroller = RefObject<HTMLElement | null>

/** Whether a reader is at the end, to within `edge` px, and whether the list follows what comes in. */
export function useAtEnd(scroller: Scroller, newest: Message | undefined, edge: number) {
  const [atEnd, setAtEnd] = useState(true)
  const lastTop = useRef(0)
  return {
    atEnd,
    // What one has just written is shown, wherever one was reading.
    follows: atEnd || newest?.status === 'pending',
    follow: () => setAtEnd(true),
    onScroll(top: number, hasNewer: boolean): void {
      const element = scroller.current
      if (!element) return
      const isNearEnd = element.scrollHeight - top - element.clientHeight < edge
      // The end of a window with newer messages behind it is not the channel's: who followed it would be dragged through them all.
      if (isNearEnd && !hasNewer) setAtEnd(true)
      // Only a person scrolls up; growing content does not.
      if (!isNearEnd && top < lastTop.current) setAtEnd(false)
      lastTop.current = top
    },
  }
}

interface Following {
  readonly rows: { scrollToEnd(): void }
  readonly scroller: Scroller
  readonly end: ReturnType<typeof useAtEnd>
  readonly newestId: string | undefined
}

/** Who is at the end stays there, whatever comes in, is measured or resized; who scrolled back is left in peace. */
export function useStayAtEnd({ rows, scroller, end: { atEnd, follows }, newestId }: Following): void {
  useLayoutEffect(() => {
    if (follows && newestId !== undefined) rows.scrollToEnd()
  }, [rows, follows, newestId])

  useEffect(() => {
    const element = scroller.current
    if (!element || !atEnd) return undefined
    const observer = new ResizeObserver(() => rows.scrollToEnd())
    observer.observe(element)
    return () => observer.disconnect()
  }, [rows, scroller, atEnd])
}
