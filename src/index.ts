export { createChat, type Chat } from './create-chat'
export { ChatConfigError } from './chat-error'
export { socketBindings, type EmitBinding, type EmitBindings, type EventBinding, type EventBindings } from './effects/bindings'
export { chatDevTools } from './dev-tools'
export type { MetricSample, MetricsSnapshot } from './effects/metrics'
export type { Clock, Environment, Lifecycle, LifecycleEvent, Stop } from './environment'
export type {
  ChatError, ConnectionState, ConnectionStatus, Extra, Json, Lease, Message, MessageStatus, OutboxEntry, OutboxState, Page,
  Receipt, ReceiptEvent, SendFailure, Sequence, SocketErrorBody, SocketErrorType, SocketEvents, SocketResponse, Table, WireMessage,
} from './model'
export type { GetToken, KeyValueStorage, SocketConfig } from './options'
export type { Draft } from './actions'
export type { LoadedRecords, RecordChange, RecordStorage, StoredRecord, UnreadableRecord } from './persistence/record-storage'
export type { TabLocks } from './persistence/tabs'
export type { ChatState } from './state/chat-state'
export type { ChannelView, MemberReceipt } from './state/selectors'
export type { CloseEvent, ConnectRequest, Connection, ConnectionHandlers, Transport } from './transport/transport'
export type { ParseExtra } from './transport/parse'
export type { ProtocolOptions } from './transport/wire'
