/** The one error that the library throws: decide by `code`, read `message` for what to do. */
export class ChatConfigError extends Error {
  override readonly name = 'ChatConfigError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

export const notMounted = (reducerPath: string): ChatConfigError => new ChatConfigError('reducer_not_mounted',
  `unable to use the chat: no reducer is mounted at "${reducerPath}"; add { [chat.reducerPath]: chat.reducer } to configureStore`)
