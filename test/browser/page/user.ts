import type { Store } from '@reduxjs/toolkit'
import type { createChat } from 'redux-chat'
import { CHANNELS, type User } from './app'

type Actions = ReturnType<typeof createChat>['actions']

/** A user at this page, who has all channels open. */
export function createUser({ dispatch }: Pick<Store, 'dispatch'>, actions: Actions, signedInAs: (userId: string | null) => void): User {
  const openChannels = (): void => { for (const channelId of CHANNELS) dispatch(actions.openChannel({ channelId })) }
  return {
    connect(userId) {
      signedInAs(userId)
      dispatch(actions.connect({ userId }))
      openChannels()
    },
    signOut() {
      signedInAs(null)
      dispatch(actions.signOut({}))
    },
    disconnect: () => { dispatch(actions.disconnect()) },
    retryAll: () => { dispatch(actions.retryAllFailed()) },
    markRead: () => { for (const channelId of CHANNELS) dispatch(actions.markRead({ channelId })) },
    loadOlder: () => { for (const channelId of CHANNELS) dispatch(actions.loadOlder({ channelId })) },
    closeChannels: () => { for (const channelId of CHANNELS) dispatch(actions.closeChannel({ channelId })) },
    openChannels,
  }
}
