import type { MessageStatus } from 'redux-chat'

const TICK = 'M1.5 6.5l3 3L11 3'
const TWO_TICKS = `${TICK}M8 9.2l.6.3L15.1 3`

const SHAPES: { readonly [S in MessageStatus]: string } = {
  pending: 'M8 1.5a4.5 4.5 0 1 0 .01 0M8 3.8V6.2L9.8 7.2',
  sent: TICK,
  delivered: TWO_TICKS,
  read: TWO_TICKS,
  failed: 'M8 1.5V7M8 9.8V10',
}

/** How far a message of one's own has got: a picture for the eye, the word for a screen reader. */
export const Ticks = ({ status }: { readonly status: MessageStatus }) => (
  <span className="ticks">
    <svg viewBox="0 0 16 12" aria-hidden="true"><path d={SHAPES[status]} /></svg>
    <span className="hidden">{status}</span>
  </span>
)
