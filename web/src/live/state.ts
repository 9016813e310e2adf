/** What the live socket has said so far, merged; grows only with the estate. */

import { shallowReactive } from 'vue'

import type { Alert, LiveMessage, PlacePower, Vehicle } from '../api/types'

/** Resolved alerts kept for the "recently resolved" list. */
export const RESOLVED_KEPT = 20

export interface LiveState {
  power: Map<string, PlacePower>
  vehicles: Map<string, Vehicle>
  /** Pending and firing alerts by id. */
  open: Map<string, Alert>
  /** Newest first. */
  resolved: Alert[]
}

/** What a message means to those who don't read the state: news, not data. */
export interface News {
  /** Alerts that started firing with this message. */
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

function mergeAlert(state: LiveState, alert: Alert): News {
  const known = state.open.get(alert.id)
  const news: News = { fired: [], resolved: [], ledger: [] }
  if (alert.state !== 'resolved') {
    state.open.set(alert.id, alert)
    if (alert.state === 'firing' && known?.state !== 'firing') news.fired.push(alert)
    return news
  }
  state.open.delete(alert.id)
  // A pending alert that went away never fired: nothing was resolved.
  if (alert.fired_at !== null) {
    addResolved(state, [alert])
    news.resolved.push(alert)
  }
  return news
}

/** Merge one message into the state. first: nothing was shown before, so nothing is news. */
export function merge(state: LiveState, message: LiveMessage, first: boolean): News {
  switch (message.type) {
    case 'hello': {
      const fired = message.alerts.filter(
        (alert) => alert.state === 'firing' && state.open.get(alert.id)?.state !== 'firing',
      )
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
