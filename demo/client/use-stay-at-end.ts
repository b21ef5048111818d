import { useEffect, useLayoutEffect, useRef, type RefObject } from 'react'

interface StayAtEnd {
  readonly rows: { scrollToEnd(): void }
  readonly scroller: RefObject<HTMLElement | null>
  /** The newest message's id. */
  readonly newest: string | undefined
  readonly follows: boolean
  readonly atEnd: boolean
  readonly setAtEnd: (atEnd: boolean) => void
  /** This near to the end (px) counts as being there. */
  readonly edge: number
}

/** Who is at the end stays there, whatever comes in, is measured or resized; who scrolled back is left in peace. */
export function useStayAtEnd({ rows, scroller, newest, follows, atEnd, setAtEnd, edge }: StayAtEnd) {
  const lastTop = useRef(0)

  useLayoutEffect(() => {
    if (follows && newest !== undefined) rows.scrollToEnd()
  }, [rows, follows, newest])

  useEffect(() => {
    const element = scroller.current
    if (!element || !atEnd) return undefined
    const observer = new ResizeObserver(() => rows.scrollToEnd())
    observer.observe(element)
    return () => observer.disconnect()
  }, [rows, scroller, atEnd])

  return (top: number): void => {
    const element = scroller.current
    if (!element) return
    // Only a person scrolls up; growing content does not.
    if (element.scrollHeight - top - element.clientHeight < edge) setAtEnd(true)
    else if (top < lastTop.current) setAtEnd(false)
    lastTop.current = top
  }
}
