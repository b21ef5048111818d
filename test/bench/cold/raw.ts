import { io } from 'socket.io-client'

/** The least: a bare client. */
export const start = (url: string): Promise<void> => new Promise((resolve) => {
  const socket = io(url, { transports: ['websocket'], forceNew: true, reconnection: false, auth: { token: 'token', userId: 'alice' } })
  socket.on('connect', () => resolve())
})
