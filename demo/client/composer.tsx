import { useId, useSyncExternalStore, type FormEvent, type KeyboardEvent } from 'react'
import { usePerson } from './person-context'

/** Safari ends a composition before it tells of the key that ended it; this key code is what is left to know it by. */
const COMPOSING_KEY_CODE = 229

export function Composer({ channelId }: { readonly channelId: string }) {
  const { chat, store, drafts } = usePerson()
  const send = chat.useSendMessage(channelId)
  const { hasNewer } = chat.useChannel(channelId)
  const text = useSyncExternalStore(drafts.subscribe, () => drafts.of(channelId))
  const id = useId()

  function submit(event?: FormEvent): void {
    event?.preventDefault()
    if (text.trim() === '') return
    send(text)
    // What one writes stands at the channel's end: far back in the history it would not be seen.
    if (hasNewer) store.dispatch(chat.actions.openChannel({ channelId }))
    drafts.set(channelId, '')
  }

  function onKeyDown(event: KeyboardEvent): void {
    const isComposing = event.nativeEvent.isComposing || event.nativeEvent.keyCode === COMPOSING_KEY_CODE
    if (event.key !== 'Enter' || event.shiftKey || isComposing) return
    event.preventDefault()
    submit()
  }

  return (
    <form className="composer" onSubmit={submit}>
      <label className="hidden" htmlFor={id}>Message</label>
      <textarea id={id} rows={1} dir="auto" value={text} placeholder="Message" onChange={(event) => drafts.set(channelId, event.target.value)} onKeyDown={onKeyDown} />
      <button type="submit">Send</button>
    </form>
  )
}
