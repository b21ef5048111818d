import { createElement, type ReactElement, type ReactNode } from 'react'
import { ErrorBoundary, type FallbackProps } from 'react-error-boundary'

export interface ChatErrorBoundaryProps {
  readonly children: ReactNode
  /** In place of the default message with its "Try again" button. */
  readonly fallbackRender?: (props: FallbackProps) => ReactNode
  readonly onError?: (error: unknown) => void
  /** Tries again when one of these changes. */
  readonly resetKeys?: unknown[]
}

const defaultFallback = ({ resetErrorBoundary }: FallbackProps): ReactElement =>
  createElement('div', { role: 'alert' },
    createElement('p', null, 'The chat could not be shown. Your unsent messages are kept.'),
    createElement('button', { type: 'button', onClick: () => resetErrorBoundary() }, 'Try again'))

/** Keeps a rendering error inside the chat's part of the page. */
export const ChatErrorBoundary = ({ children, fallbackRender = defaultFallback, onError, resetKeys }: ChatErrorBoundaryProps): ReactElement =>
  createElement(ErrorBoundary, { fallbackRender, ...(onError && { onError: (error: unknown) => onError(error) }), ...(resetKeys && { resetKeys }), children })
