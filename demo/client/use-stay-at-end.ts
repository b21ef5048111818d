import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from 'react'
import type { Message } from 'redux-chat'

interface StayAtEnd {
  readonly rows: { scrollToEnd(): void }
  readonly scroller: RefObject<HTMLElement | null>
  readonly newest: Message | undefined
  /** This near to the end (px) counts as being there. */
  readonly edge: number
}

/** Who is at the end stays there, whatever comes in, is measured or resized; who scrolled back is left in peace. */
export function useStayAtEnd({ rows, scroller, newest, edge }: StayAtEnd) {
  const [atEnd, setAtEnd] = useState(true)
  const lastTop = useRef(0)
  const newestId = newest?.id
  // What one has just written is shown, wherever one was reading.
  const follows = atEnd || newest?.status === 'pending'

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

  return {
    atEnd,
    follow: () => setAtEnd(true),
    onScroll(top: number): void {
      const element = scroller.current
      if (!element) return
      // Only a person scrolls up; growing content does not.
      if (element.scrollHeight - top - element.clientHeight < edge) setAtEnd(true)
      else if (top < lastTop.current) setAtEnd(false)
      lastTop.current = top
    },
  }
}
