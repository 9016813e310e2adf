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

export interface AlertRule {
  id: string
  name: Name
  severity: Severity
  action: Name
}

export interface Alert {
  id: string
  rule: AlertRule
  place_id: string
  device_id: string | null
  quantity: string | null
  unit: string
  state: 'pending' | 'firing' | 'stale' | 'resolved'
  value: number | null
  limit: number | null
  comparator: 'above' | 'below'
  active_at: string
  fired_at: string | null
  resolved_at: string | null
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
