import type { Part } from './part'

/** Every part of the table, in its order. */
export const PARTS: Readonly<Record<string, () => Promise<{ readonly run: Part }>>> = {
  ingest: () => import('./parts/ingest'),
  channels: () => import('./parts/channels'),
  late: () => import('./parts/late'),
  send: () => import('./parts/send'),
  receive: () => import('./parts/receive'),
  drain: () => import('./parts/drain'),
  chromium: () => import('./parts/chromium'),
  receipts: () => import('./parts/receipts'),
  storage: () => import('./parts/storage'),
  rehydrate: () => import('./parts/rehydrate'),
  selectors: () => import('./parts/selectors'),
  unrelated: () => import('./parts/unrelated'),
  steps: () => import('./parts/steps'),
  heap: () => import('./parts/heap'),
  cold: () => import('./parts/cold'),
  size: () => import('./parts/size'),
}
