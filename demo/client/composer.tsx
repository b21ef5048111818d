import { useId, useState, type FormEvent, type KeyboardEvent } from 'react'
import { usePerson } from './person-context'

export function Composer({ channelId }: { readonly channelId: string }) {
  const { chat, store } = usePerson()
  const send = chat.useSendMessage(channelId)
  const { hasNewer } = chat.useChannel(channelId)
  const [text, setText] = useState('')
  const id = useId()

  function submit(event?: FormEvent): void {
    event?.preventDefault()
    if (text.trim() === '') return
    send(text)
    // What one writes stands at the channel's end: far back in the history it would not be seen.
    if (hasNewer) store.dispatch(chat.actions.openChannel({ channelId }))
    setText('')
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    submit()
  }

  return (
    <form className="composer" onSubmit={submit}>
      <label className="hidden" htmlFor={id}>Message</label>
      <textarea id={id} rows={1} dir="auto" value={text} placeholder="Message" onChange={(event) => setText(event.target.value)} onKeyDown={onKeyDown} />
      <button type="submit">Send</button>
    </form>
  )
}
