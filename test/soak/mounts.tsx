import { Window } from 'happy-dom'
import type { ReactNode } from 'react'
import type { Outcome } from './phases'

/** React looks for a page when it is loaded. */
const page = new Window({ url: 'https://chat.test' })
Object.assign(globalThis, { window: page, document: page.document })

const { createRoot } = await import('react-dom/client')
const { flushSync } = await import('react-dom')
const { Provider } = await import('react-redux')
const { soak } = await import('./phases')
const { createSoakWorld } = await import('./world')

/** A component with every hook, mounted and unmounted, some for longer than others. */
export async function mounts(count: number): Promise<Outcome> {
  const world = createSoakWorld(false)
  const { chat, store, server, advance } = world
  const Room = ({ channelId }: { readonly channelId: string }) => {
    const { status } = chat.useSocket({ userId: 'me', onReconnect: () => undefined })
    const { errors } = chat.useErrors()
    const { latestSeq } = chat.useChannel(channelId)
    const send = chat.useSendMessage(channelId)
    return <ul onClick={() => send('hello')}>
      <li>{status} {chat.useConnection().attempt} {errors.length} {latestSeq} {chat.useUnreadCount(channelId)} {chat.useChatMetrics().batches.count}</li>
      {chat.useMessages(channelId).map(({ id, content }) => <li key={id}>{content}</li>)}
    </ul>
  }
  const Shell = ({ children }: { readonly children: ReactNode }) => <Provider store={store}>{children}</Provider>
  const container = page.document.createElement('div')
  page.document.body.append(container)
  // One root for all: with a root for each mount the heap grew by 64 bytes a mount without any of our code.
  // The DOM's types are the browser's; happy-dom's own say the same in other words.
  const root = createRoot(container as unknown as Element)
  const outcome = await soak('mounts and unmounts', count, world, async (i) => {
    flushSync(() => root.render(<Shell><Room channelId={`channel-${i % 20}`} /></Shell>))
    if (i % 10 === 0) {
      await advance(60)
      flushSync(() => server.say(`channel-${i % 20}`))
    }
    if (i % 50 === 0) await advance(500)
    flushSync(() => root.render(null))
  })
  root.unmount()
  await page.happyDOM.close()
  return outcome
}
