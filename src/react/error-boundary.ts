import { createElement, type ReactElement, type ReactNode } from 'react'
import { ErrorBoundary } from 'react-error-boundary'
import { shielded } from '../effects/shielded'

export interface ChatFallbackProps {
  readonly error: unknown
  /** Renders the children again. */
  readonly resetErrorBoundary: () => void
}

export interface ChatErrorBoundaryProps {
  readonly children?: ReactNode
  /** In place of the default message with its "Try again" button. */
  readonly fallbackRender?: ((props: ChatFallbackProps) => ReactNode) | undefined
  readonly onError?: ((error: unknown) => void) | undefined
  /** Tries again when one of these changes. */
  readonly resetKeys?: readonly unknown[] | undefined
}

const defaultFallback = ({ resetErrorBoundary }: ChatFallbackProps): ReactElement =>
  createElement('div', { role: 'alert' },
    createElement('p', null, 'The chat could not be shown. Your unsent messages are kept.'),
    createElement('button', { type: 'button', onClick: () => resetErrorBoundary() }, 'Try again'))

/** Keeps a rendering error inside the chat's part of the page. */
export const ChatErrorBoundary = ({ children, fallbackRender = defaultFallback, onError, resetKeys }: ChatErrorBoundaryProps): ReactElement =>
  createElement(ErrorBoundary, {
    fallbackRender,
    ...(onError && { onError: shielded((error: unknown) => onError(error)) }),
    ...(resetKeys && { resetKeys: [...resetKeys] }),
  }, children)
