/** The one error that the library throws: decide by `code`, read `message` for what to do. */
export class ChatConfigError extends Error {
  override readonly name = 'ChatConfigError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}
