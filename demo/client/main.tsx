/// <reference types="vite/client" />
import { StrictMode, type ReactElement } from 'react'
import { createRoot } from 'react-dom/client'
import { Provider } from 'react-redux'
import { ChatErrorBoundary } from 'redux-chat/react'
import { createPerson } from './person'
import { PersonProvider } from './person-context'
import { PersonView } from './person-view'
import { SplitView } from './split-view'
import './styles.css'

/** `/` shows two people side by side, each a page of its own; `/?user=alice` is one of them. */
function start(): ReactElement {
  const params = new URLSearchParams(window.location.search)
  const userId = params.get('user')
  if (!userId) return <SplitView />
  const person = createPerson(userId)
  Object.assign(window, { __demo: { store: person.store, chat: person.chat } })
  return (
    <ChatErrorBoundary>
      <Provider store={person.store}>
        <PersonProvider value={person}>
          <PersonView embedded={params.has('embedded')} />
        </PersonProvider>
      </Provider>
    </ChatErrorBoundary>
  )
}

const root = document.getElementById('root')
if (root) createRoot(root).render(<StrictMode>{start()}</StrictMode>)
