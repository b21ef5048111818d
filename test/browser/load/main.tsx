import { createRoot } from 'react-dom/client'
import { Provider } from 'react-redux'
import { io } from 'socket.io-client'
import type { Message } from 'redux-chat'
import { Composer } from '../../../demo/client/composer'
import { MessageList } from '../../../demo/client/message-list'
import { PersonProvider } from '../../../demo/client/person-context'
import '../../../demo/client/styles.css'
import { CHANNEL, type LoadApp, type View } from './app'
import { countRenders } from './count-renders'
import { createKeyMeter } from './key-meter'
import { createMeter } from './meter'
import { createLoadPerson, withSlice } from './person'
import { createWalk } from './walk'

declare global {
  interface Window { load: LoadApp }
}

const query = new URLSearchParams(location.search)
const mode = query.get('mode')
const url = query.get('server') ?? ''
const windowSize = Number(query.get('window') ?? 1_000)
const counter = countRenders()
const meter = createMeter()
const keys = createKeyMeter()

const isMessage = (value: unknown): value is Message => typeof value === 'object' && value !== null && 'seq' in value
const hear = (event: string, [message]: readonly unknown[]): void => {
  if (event === 'message:new' && isMessage(message)) meter.arrived(message.seq ?? 0, message.createdAt)
}
const person = createLoadPerson({ url, windowSize, pageSize: Number(query.get('page') ?? 50), hear })
const { chat, store } = person

const plain = withSlice(person, windowSize)
const socket = mode === 'chat' ? null : io(url, { transports: ['websocket'] })
socket?.on('message:new', (message: Message) => {
  hear('message:new', [message])
  if (mode === 'slice') plain.received({ ...message, status: 'sent' })
  else meter.ignore()
})

const held = (): readonly Message[] => (mode === 'chat' ? chat.selectors.selectMessages(store.getState(), CHANNEL) : plain.messages())

/** The server's own messages have their seq in their id. */
const seqOf = (id: string): number =>
  (id.startsWith('00000000-') ? Number(id.slice(-12)) : chat.selectors.selectMessage(store.getState(), CHANNEL, id)?.seq) ?? 0

// The virtualiser's rows stand in the page in the order of the messages.
const rowSeqs = (): readonly number[] =>
  [...document.querySelectorAll<HTMLElement>('[role="log"] [data-message-id]')].map(({ dataset }) => seqOf(dataset['messageId'] ?? ''))
const newestRow = (): HTMLElement | null | undefined =>
  document.querySelector('.rows')?.lastElementChild?.querySelector<HTMLElement>('[data-message-id]')

const runOf = (seqs: readonly number[]): View['loaded'] => ({
  count: seqs.length, first: seqs[0] ?? 0, last: seqs.at(-1) ?? 0, isUnbroken: seqs.every((seq, at) => seq === (seqs[0] ?? 0) + at),
})

/** Before the list, so that its effect runs first. */
function SignIn(): null {
  chat.useSocket({ userId: mode === 'chat' ? person.userId : null })
  return null
}

const Page = () => (
  <main className="person">
    <SignIn />
    <div className="chat">
      {mode !== 'bare' && <MessageList channelId={CHANNEL} />}
      <Composer channelId={CHANNEL} />
    </div>
  </main>
)

const root = document.getElementById('root')
if (!root) throw new Error('unable to show the page: it has no root')
createRoot(root).render(<Provider store={store}><PersonProvider value={mode === 'slice' ? plain.person : person}><Page /></PersonProvider></Provider>)
new MutationObserver(() => {
  const newest = newestRow()
  if (newest) meter.committed(seqOf(newest.dataset['messageId'] ?? ''))
}).observe(root, { childList: true, subtree: true })

function scroller(): HTMLElement {
  const element = document.querySelector<HTMLElement>('[role="log"]')
  if (!element) throw new Error('unable to scroll: there is no list')
  return element
}

window.load = {
  start() {
    meter.start()
    keys.start()
    counter.start()
  },
  report: () => ({ ...meter.report(), keys: keys.report() }),
  view() {
    const state = store.getState()
    const { sync, gap, latestSeq } = chat.selectors.selectChannel(state, CHANNEL)
    return {
      status: mode === 'chat' ? chat.selectors.selectConnection(state).status : socket?.connected ? 'connected' : 'connecting',
      sync, gap: gap !== null, latest: latestSeq,
      loaded: runOf(held().map(({ seq = 0 }) => seq)),
      rows: runOf(rowSeqs()),
      errors: chat.selectors.selectErrors(state).map(({ code, message }) => `${code}: ${message}`),
      typed: document.querySelector('textarea')?.value ?? '',
    }
  },
  rendered: () => [...counter.renders].map(([id, times]) => [seqOf(id), times] as const),
  loadOlder: () => { store.dispatch(chat.actions.loadOlder({ channelId: CHANNEL })) },
  contents: () => held().map(({ content }) => content),
  walk: createWalk({ scroller, rowSeqs, isLoading: () => chat.selectors.selectChannel(store.getState(), CHANNEL).loadingOlder }),
}
