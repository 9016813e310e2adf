/** What the live socket has said so far, merged; grows only with the estate. */

import { shallowReactive } from 'vue'

import type { Alert, LiveMessage, PlacePower, Vehicle } from '../api/types'

/** Resolved alerts kept for the "recently resolved" list. */
export const RESOLVED_KEPT = 20

export interface LiveState {
  power: Map<string, PlacePower>
  vehicles: Map<string, Vehicle>
  /** Firing and stale alerts by id. */
  open: Map<string, Alert>
  /** Newest first. */
  resolved: Alert[]
}

/** What a message means to those who don't read the state: news, not data. */
export interface News {
  /** Alerts that started firing with this message, and not on history: worth announcing. */
  fired: Alert[]
  resolved: Alert[]
  /** Places whose consumption figures changed; 'all' after a connection was (re)made. */
  ledger: string[] | 'all'
}

export function emptyState(): LiveState {
  return {
    power: shallowReactive(new Map<string, PlacePower>()),
    vehicles: shallowReactive(new Map<string, Vehicle>()),
    open: shallowReactive(new Map<string, Alert>()),
    resolved: shallowReactive([]),
  }
}

function replaceAll<Item>(into: Map<string, Item>, items: Item[], key: (item: Item) => string): void {
  const wanted = new Set(items.map(key))
  for (const id of [...into.keys()]) if (!wanted.has(id)) into.delete(id)
  for (const item of items) into.set(key(item), item)
}

/** Put alerts into the recently resolved list: newest first, one an id, bounded. */
export function addResolved(state: LiveState, alerts: Alert[]): void {
  const byId = new Map([...state.resolved, ...alerts].map((alert) => [alert.id, alert]))
  const sorted = [...byId.values()].sort(
    (a, b) => Date.parse(b.resolved_at ?? b.active_at) - Date.parse(a.resolved_at ?? a.active_at),
  )
  state.resolved.splice(0, state.resolved.length, ...sorted.slice(0, RESOLVED_KEPT))
}

/** A late vehicle message must not move a vehicle back in time. */
function isOlder(next: Vehicle, known: Vehicle | undefined): boolean {
  if (!known?.position || !next.position) return false
  return Date.parse(next.position.time) < Date.parse(known.position.time)
}

/** Whether it is new that this fires now; history and what was silent for a while is not. */
function isNews(alert: Alert, known: Alert | undefined): boolean {
  return alert.state === 'firing' && !alert.retrospective && (known === undefined || known.retrospective)
}

/** A message that does not say how an alert is handled changes nothing about that. */
function keepHandling(alert: Alert, known: Alert | undefined): Alert {
  return alert.handling === null && known ? { ...alert, handling: known.handling } : alert
}

function mergeAlert(state: LiveState, said: Alert): News {
  const known = state.open.get(said.id)
  const alert = keepHandling(said, known ?? state.resolved.find((one) => one.id === said.id))
  if (alert.state !== 'resolved') {
    state.open.set(alert.id, alert)
    return { fired: isNews(alert, known) ? [alert] : [], resolved: [], ledger: [] }
  }
  state.open.delete(alert.id)
  addResolved(state, [alert])
  return { fired: [], resolved: [alert], ledger: [] }
}

/** Put newer handling into alerts that are shown; which of them are open, the socket alone says. */
export function mergeHandling(state: LiveState, alerts: Alert[]): void {
  const said = new Map(alerts.map((alert) => [alert.id, alert.handling]))
  for (const [id, alert] of state.open) {
    const handling = said.get(id)
    if (handling) state.open.set(id, { ...alert, handling })
  }
  state.resolved.forEach((alert, index) => {
    const handling = said.get(alert.id)
    if (handling) state.resolved[index] = { ...alert, handling }
  })
}

/** Merge one message into the state. first: nothing was shown before, so nothing is news. */
export function merge(state: LiveState, message: LiveMessage, first: boolean): News {
  switch (message.type) {
    case 'hello': {
      const fired = message.alerts.filter((alert) =>
        isNews(alert, state.open.get(alert.id)) && (alert.handling?.status ?? 'new') === 'new')
      replaceAll(state.power, message.power, (item) => item.place)
      replaceAll(state.vehicles, message.vehicles, (item) => item.id)
      replaceAll(state.open, message.alerts, (item) => item.id)
      return { fired: first ? [] : fired, resolved: [], ledger: 'all' }
    }
    case 'power':
      for (const item of message.items) state.power.set(item.place, item)
      return { fired: [], resolved: [], ledger: [] }
    case 'vehicles':
      for (const item of message.items) {
        if (!isOlder(item, state.vehicles.get(item.id))) state.vehicles.set(item.id, item)
      }
      return { fired: [], resolved: [], ledger: [] }
    case 'alert':
      return mergeAlert(state, message.alert)
    case 'ledger':
      return { fired: [], resolved: [], ledger: message.places }
    default:
      // A newer server may say more than this page knows.
      return { fired: [], resolved: [], ledger: [] }
  }
}
