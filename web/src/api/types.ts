/** Shapes of /api/v1 as the server documents them; times are RFC 3339 with offset. */

import type { FeatureCollection } from 'geojson'

export type Energy = 'electricity' | 'water' | 'gas' | 'heat'
export type PlaceKind = 'region' | 'organisation' | 'site' | 'building' | 'zone' | 'circuit'
export type Quality =
  | 'measured' | 'interpolated' | 'gap_spread' | 'reset' | 'rollover' | 'replaced' | 'manual' | 'late' | 'open'

export interface Name { zh: string; en: string }

export interface Page<Item> { items: Item[]; next?: string | null }

export interface Place {
  id: string
  kind: PlaceKind
  parent_id: string | null
  name: Name
  timezone: string
  floor_area_m2: number | null
  headcount: number | null
  category: string | null
  latitude: number | null
  longitude: number | null
  energies: Energy[]
}

export interface Device {
  id: string
  kind: 'meter' | 'vehicle' | 'gateway'
  place_id: string
  parent_device_id: string | null
  name: Name
  expected_interval_s: number
  last_seen: string | null
}

export interface ConsumptionItem {
  start: string
  end: string
  /** In the answer's unit; null where nothing is known, which is not zero. */
  amount: number | null
  /** Measured share of the time that has passed, 0 to 1. */
  coverage: number
  quality: Quality[]
}

export interface Consumption {
  place: string | null
  energy: Energy
  unit: string
  timezone: string
  from: string
  to: string
  interval: string
  total: number | null
  coverage: number
  quality: Quality[]
  meters: string[]
  /** Spans of late data that are not yet in these figures. */
  pending: number
  items: ConsumptionItem[]
}

export interface PlacePower {
  place: string
  power_w: number | null
  meters: number
  reporting: number
  at: string | null
}

export type Severity = 'info' | 'warning' | 'critical'

export type Comparator = 'above' | 'below'

export interface AlertRule {
  id: string
  name: Name
  /** Of its condition, such as threshold or no_data; 'unknown' of a rule that nobody knows any more. */
  kind: string
  severity: Severity
  action: Name
  runbook: string | null
}

/** What a breach has cost so far, as an estimate. */
export interface Waste {
  amount: number
  unit: string
  cost: number | null
  currency: string | null
  /** What it is measured against, such as base_load or usual. */
  basis: string
}

export interface Evidence {
  /** Oldest first. */
  samples: { time: string; value: number }[]
  unit: string
  limit: number
  comparator: Comparator
}

export type CloseReason = 'fixed' | 'returned' | 'accepted' | 'false_alarm' | 'rule_withdrawn'

/** Why nothing watches the target of an alert any more. */
export type Withdrawn = 'rule_dropped' | 'rule_disabled' | 'not_selected'

/** What people have done about an alert. */
export interface Handling {
  status: 'new' | 'acknowledged' | 'closing' | 'closed'
  organisation_id: string | null
  assignee: string | null
  acknowledged_at: string | null
  acknowledged_by: string | null
  shelved_until: string | null
  /** When it goes one organisation up. */
  due_at: string | null
  escalations: number
  closed_at: string | null
  closed_by: string | null
  close_reason: CloseReason | null
  close_note: string
  approved_by: string | null
  evidence: Evidence | null
}

/** One episode of one rule on one target; firing and stale are open. */
export interface Alert {
  id: string
  rule: AlertRule
  target: { kind: 'register' | 'device' | 'place'; id: string }
  place_id: string
  device_id: string | null
  quantity: string | null
  unit: string
  state: 'firing' | 'stale' | 'resolved'
  /** Newest that telemetry said, and what it was held against, in the unit. */
  value: number | null
  limit: number | null
  comparator: Comparator
  active_at: string
  fired_at: string
  stale_at: string | null
  resolved_at: string | null
  /** It fired on data that came late; nobody was told. */
  retrospective: boolean
  organisation_id: string | null
  waste: Waste | null
  /** Of one that is open: then it may be closed as rule_withdrawn. */
  withdrawn: Withdrawn | null
  handling: Handling
  /** Lines of its timeline: of two answers, the newer has as many or more. */
  events: number
  next_action: Name | null
}

export type AlertEventKind =
  | 'fired' | 'live' | 'stale' | 'returned' | 'resolved' | 'superseded' | 'assigned' | 'acknowledged' | 'commented'
  | 'shelved' | 'unshelved' | 'closing' | 'closed' | 'reopened' | 'escalated' | 'told' | 'not_told'

/** A line of an alert's timeline, which only grows. */
export interface AlertEvent {
  number: number
  kind: AlertEventKind
  /** Event time of what telemetry said, else when it was done. */
  at: string
  recorded_at: string
  /** Who, or "wattline". */
  by: string
  detail: Record<string, unknown>
}

export interface Timeline extends Page<AlertEvent> {
  /** Whether each line still follows from the one before; else fault says where it was changed or cut. */
  whole: boolean
  fault: string | null
}

export type VehicleStatus = 'moving' | 'idle' | 'parked' | 'offline' | 'unknown'

export interface Fix {
  lat: number
  lon: number
  speed_kmh: number | null
  course_deg: number | null
  time: string
}

export interface Vehicle {
  id: string
  name: Name
  place_id: string
  status: VehicleStatus
  position: Fix | null
  ignition: boolean | null
  soc_pct: number | null
  fuel_l: number | null
  odometer_km: number | null
}

export interface MapLayer {
  id: string
  kind: 'roads' | 'geofences' | 'depots'
  features: FeatureCollection
}

export interface FieldError { field: string; value: unknown; fix: string }

/** RFC 9457 problem body. */
export interface Problem {
  title: string
  status: number
  detail?: string
  errors?: FieldError[]
}

export type LiveMessage =
  | { type: 'hello'; at: string; power: PlacePower[]; vehicles: Vehicle[]; alerts: Alert[] }
  | { type: 'power'; at: string; items: PlacePower[] }
  | { type: 'vehicles'; at: string; items: Vehicle[] }
  | { type: 'alert'; at: string; previous: string; alert: Alert }
  | { type: 'ledger'; at: string; places: string[] }
