import { useState } from 'react'
import { Composer } from './composer'
import { ConnectionPill } from './connection-pill'
import { Controls } from './controls'
import { Details } from './details'
import { MessageList } from './message-list'
import { usePerson } from './person-context'

const CHANNELS = [{ id: 'general', name: 'General' }, { id: 'random', name: 'Random' }]

const nameOf = (id: string): string => id.charAt(0).toUpperCase() + id.slice(1)

export function PersonView({ embedded }: { readonly embedded: boolean }) {
  const { chat, userId } = usePerson()
  const [channelId, setChannelId] = useState('general')
  chat.useSocket({ userId })
  return (
    <main className={embedded ? 'person embedded' : 'person'}>
      <div className="chat">
        <header className="bar">
          <span className="avatar" data-user={userId} aria-hidden="true">{nameOf(userId).slice(0, 1)}</span>
          <h1>{nameOf(userId)}</h1>
          <ConnectionPill />
        </header>
        <nav className="channels" aria-label="Channels">
          {CHANNELS.map((channel) => (
            <ChannelButton key={channel.id} {...channel} current={channel.id === channelId} onOpen={setChannelId} />
          ))}
        </nav>
        <MessageList key={channelId} channelId={channelId} />
        <Composer channelId={channelId} />
      </div>
      <aside className="panel" aria-label="Behind the scenes">
        <Controls channelId={channelId} />
        <Details />
      </aside>
    </main>
  )
}

interface ChannelButtonProps {
  readonly id: string
  readonly name: string
  readonly current: boolean
  readonly onOpen: (id: string) => void
}

function ChannelButton({ id, name, current, onOpen }: ChannelButtonProps) {
  const unread = usePerson().chat.useUnreadCount(id)
  return (
    <button type="button" aria-current={current ? 'page' : undefined} onClick={() => onOpen(id)}>
      # {name}{unread > 0 && <span className="badge" role="img" aria-label={`${unread} unread`}>{unread}</span>}
    </button>
  )
}
