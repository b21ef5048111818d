/** The one error that the library throws: decide by `code`, read `message` for what to do. */
export class ChatConfigError extends Error {
  override readonly name = 'ChatConfigError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** What stands at `reducerPath` in the root state, if it is a chat's. */
export function mounted<S extends { readonly outbox: unknown }>(state: S | undefined, reducerPath: string): S {
  if (state?.outbox) return state
  throw new ChatConfigError('reducer_not_mounted',
    `unable to use the chat: the root state has no chat at "${reducerPath}"; add { [chat.reducerPath]: chat.reducer } to configureStore`)
}
