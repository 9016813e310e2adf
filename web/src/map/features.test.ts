import { describe, expect, it } from 'vitest'

import type { MapLayer, Place, Vehicle } from '../api/types'
import { boundsOf, buildingFeatures, layerFeatures, vehicleFeatures } from './features'

const building: Place = {
  id: 'b0', kind: 'building', parent_id: null, name: { zh: '楼', en: 'Block' }, timezone: 'Asia/Shanghai',
  floor_area_m2: null, headcount: null, category: null, latitude: 29.5, longitude: 106.5, energies: ['electricity'],
}
const parked: Vehicle = {
  id: 'v0', name: { zh: '车', en: 'Car' }, place_id: 'b0', status: 'parked', ignition: null, soc_pct: null, fuel_l: null,
  odometer_km: null, position: { lat: 29.6, lon: 106.4, speed_kmh: 0, course_deg: null, time: '2026-11-22T03:00:00+08:00' },
}
const roads: MapLayer = {
  id: 'roads', kind: 'roads',
  features: {
    type: 'FeatureCollection',
    features: [{
      type: 'Feature', properties: { name: { zh: '环路', en: 'Ring road' }, kind: 'ring', tunnel: true },
      geometry: { type: 'MultiLineString', coordinates: [[[106, 29], [107, 30]]] },
    }],
  },
}

describe('what the map draws', () => {
  it('of a building is its power and whether its meters report', () => {
    const now = new Map([['b0', { place: 'b0', power_w: 32_100, meters: 3, reporting: 2, at: null }]])
    expect(buildingFeatures([building], now, 'en').features[0]).toMatchObject({
      geometry: { coordinates: [106.5, 29.5] }, properties: { name: 'Block', power: '32.10 kW', reporting: 'some' },
    })
  })

  it('of a building that nothing is known of says so and no zero', () => {
    const silent = new Map([['b0', { place: 'b0', power_w: null, meters: 1, reporting: 0, at: null }]])
    expect(buildingFeatures([building], silent, 'en').features[0]?.properties).toMatchObject({ power: '– kW', reporting: 'none' })
    expect(buildingFeatures([building], new Map(), 'en').features[0]?.properties).toMatchObject({ power: '', reporting: 'none' })
  })

  it('leaves out what has no position, and buildings without a meter', () => {
    expect(buildingFeatures([{ ...building, latitude: null }], new Map(), 'en').features).toEqual([])
    expect(buildingFeatures([{ ...building, energies: [] }], new Map(), 'en').features).toEqual([])
    expect(vehicleFeatures([{ ...parked, position: null }], 'en').features).toEqual([])
    expect(vehicleFeatures([parked], 'zh-CN').features[0]?.properties).toMatchObject({ name: '车', status: 'parked', course: 0 })
  })

  it('labels roads in the page\'s language', () => {
    expect(layerFeatures([roads], 'roads', 'en').features[0]?.properties).toEqual({ label: 'Ring road', main: true, tunnel: true })
    expect(layerFeatures([roads], 'depots', 'en').features).toEqual([])
  })

  it('is framed by everything there is', () => {
    expect(boundsOf([layerFeatures([roads], 'roads', 'en'), vehicleFeatures([parked], 'en')])).toEqual([106, 29, 107, 30])
    expect(boundsOf([])).toBeNull()
  })
})
