import { describe, expect, it } from 'vitest'

import type { Place } from '../api/types'
import { distanceM, nearest } from './nearest'

function building(id: string, latitude: number | null, longitude: number | null): Place {
  return {
    id, kind: 'building', parent_id: null, name: { zh: id, en: id }, timezone: 'Asia/Shanghai', floor_area_m2: null,
    headcount: null, category: null, latitude, longitude, energies: [],
  }
}

describe('where a vehicle is', () => {
  it('is told by the nearest building that has a position', () => {
    const near = nearest([building('far', 29.6, 106.5), building('near', 29.51, 106.5), building('none', null, null)], 29.5, 106.5)
    expect(near?.place.id).toBe('near')
    expect(near?.distanceM).toBeCloseTo(1112, 0)
  })

  it('shrinks a degree of longitude with latitude', () => {
    expect(distanceM(60, 10, 60, 11) / distanceM(0, 10, 0, 11)).toBeCloseTo(0.5)
  })

  it('is unknown when no building has a position', () => {
    expect(nearest([building('none', null, null)], 29.5, 106.5)).toBeNull()
  })
})
