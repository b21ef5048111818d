import type { UnknownAction } from '@reduxjs/toolkit'
import { memo } from 'react'
import type { Message } from 'redux-chat'
import { focusComposer, focusLog } from './focus'
import { usePerson } from './person-context'
import { Ticks } from './ticks'

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })

export const MessageRow = memo(function MessageRow({ message, newDay }: { readonly message: Message; readonly newDay: boolean }) {
  const { userId } = usePerson()
  const { id, status, stored, content, createdAt } = message
  const mine = message.userId === userId
  return (
    <>
      {newDay && <p className="day">{day.format(createdAt)}</p>}
      <article className={mine ? 'message mine' : 'message'} data-message-id={id} data-status={status} data-stored={stored}>
        {!mine && <span className="author">{message.userId}</span>}
        <p className="text" dir="auto">{content}</p>
        <span className="meta">
          <time dateTime={new Date(createdAt).toISOString()}>{time.format(createdAt)}</time>
          {mine && <Ticks status={status} />}
        </span>
        {status === 'failed' && <Failed message={message} />}
      </article>
    </>
  )
})

/** What no retry helps. */
const HOPELESS: ReadonlySet<string | undefined> = new Set(['too_large', 'unserialisable'])

function Failed({ message: { id, channelId, content, failure } }: { readonly message: Message }) {
  const { chat: { actions }, store, drafts } = usePerson()
  const act = (action: UnknownAction): void => {
    store.dispatch(action)
    focusLog()
  }
  /** Above what is being written, which came later. */
  function edit(): void {
    drafts.set(channelId, [content, drafts.of(channelId)].filter((text) => text !== '').join('\n'))
    store.dispatch(actions.discardMessage({ id }))
    focusComposer()
  }
  return (
    <div className="failure">
      <span>{failure?.message}</span>
      <span className="choices">
        {!HOPELESS.has(failure?.code) && <button type="button" onClick={() => act(actions.retryMessage({ id }))}>Retry</button>}
        {failure?.code === 'too_large' && <button type="button" onClick={edit}>Edit</button>}
        <button type="button" onClick={() => act(actions.discardMessage({ id }))}>Discard</button>
      </span>
    </div>
  )
}
