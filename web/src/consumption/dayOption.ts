/** The ECharts option of a day curve. */

import type { EChartsCoreOption } from 'echarts/core'

import { formatNumber, formatShare, formatValue, joined, unitName } from '../figures/format'
import { t } from '../i18n'
import { localClock } from '../time/zone'
import type { Theme } from '../ui/theme'
import { hatch, markColor } from './chartMarks'
import type { Curve, Slot } from './curve'

export interface DayView {
  curve: Curve
  unit: string
  locale: string
  timezone: string
  theme: Theme
  /** A moment to point at, or null. */
  atMs: number | null
}

function rateText(rate: number | null, view: DayView): string {
  return rate === null ? t('state.missing') : joined(formatValue(rate, view.curve.unit, view.locale))
}

/** Label and value of each line of the tooltip. */
function words(slot: Slot, view: DayView): [string, string][] {
  const before: [string, string] = [t('curve.dayBefore'), rateText(slot.previousRate, view)]
  if (slot.state === 'future') return [before]
  return [
    [t('curve.average'), rateText(slot.rate, view)],
    [t('curve.amount'), joined(formatValue(slot.amount, view.unit, view.locale))],
    [t('curve.coverage'), formatShare(slot.coverage, view.locale)],
    [t('curve.quality'), qualityText(slot)],
    before,
  ]
}

export function qualityText(slot: Slot): string {
  if (slot.state === 'missing' || slot.state === 'future') return t(`state.${slot.state}`)
  const names = slot.quality.map((quality) => t(`quality.${quality}`))
  return names.length > 0 ? names.join(', ') : t(`state.${slot.state}`)
}

function tooltip(slot: Slot | undefined, view: DayView): string {
  if (!slot) return ''
  const span = `${slot.clock}–${localClock(slot.endMs, view.timezone)}`
  const rows = words(slot, view).map(
    ([label, value]) => `<div style="display:flex;gap:16px;justify-content:space-between">`
      + `<span style="opacity:.7">${label}</span><span>${value}</span></div>`)
  return `<strong>${span}</strong>${rows.join('')}`
}

function marked(slot: Slot, index: number, slots: Slot[], theme: Theme): object {
  const color = markColor(slot.state, theme)
  // A lone interval between holes has no line to be seen by.
  const alone = slots[index - 1]?.rate == null && slots[index + 1]?.rate == null
  return {
    value: slot.rate,
    symbol: color ? 'emptyCircle' : alone ? 'circle' : 'none',
    symbolSize: slot.state === 'interpolated' ? 3.5 : 5,
    itemStyle: { color: color ?? theme.day },
  }
}

/** A bar as high as the plot behind each interval that is not plainly measured. */
function shade(slot: Slot, theme: Theme): object {
  const color = markColor(slot.state, theme)
  // Where only the edges are interpolated the mark on the line says enough.
  if (!color || slot.state === 'interpolated') return { value: null }
  const filled = slot.state === 'open' || slot.state === 'estimated'
  return { value: 1, itemStyle: { color: filled ? color : hatch(color), opacity: filled ? 0.16 : 0.5 } }
}

function pointer(view: DayView): object[] {
  const { atMs, curve, theme } = view
  if (atMs === null) return []
  const index = curve.slots.findIndex((slot) => slot.startMs <= atMs && atMs < slot.endMs)
  if (index < 0) return []
  const label = `${t('curve.alertHere')} ${localClock(atMs, view.timezone)}`
  return [{
    xAxis: index,
    lineStyle: { color: theme.critical, type: 'solid', width: 1.5 },
    label: { formatter: label, color: theme.critical, position: 'insideEndTop', rotate: 0, distance: [6, 2] },
  }]
}

/** Every third hour is labelled, by the place's clock and not by counting intervals. */
function isLabelled(slot: Slot | undefined): boolean {
  return slot !== undefined && slot.clock.endsWith(':00') && Number(slot.clock.slice(0, 2)) % 3 === 0
}

export function dayOption(view: DayView): EChartsCoreOption {
  const { curve: { slots, unit }, theme, locale } = view
  const axisText = { color: theme.ink3, fontFamily: theme.font, fontSize: 11 }
  return {
    animation: false,
    grid: { left: 6, right: 12, top: 26, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    tooltip: {
      trigger: 'axis',
      confine: true,
      backgroundColor: theme.surface,
      borderColor: theme.line,
      padding: [8, 10],
      textStyle: { color: theme.ink, fontFamily: theme.font, fontSize: 12 },
      axisPointer: { type: 'shadow', shadowStyle: { color: theme.ink3, opacity: 0.12 } },
      formatter: (points: { dataIndex: number }[]) => tooltip(slots[points[0]?.dataIndex ?? -1], view),
    },
    xAxis: {
      type: 'category',
      data: slots.map((slot) => slot.clock),
      axisLine: { lineStyle: { color: theme.line } },
      axisTick: { show: false },
      axisLabel: { ...axisText, interval: (index: number) => isLabelled(slots[index]) },
    },
    yAxis: [{
      type: 'value',
      name: unitName(unit),
      nameTextStyle: { ...axisText, align: 'left', padding: [0, 0, 0, -4] },
      nameGap: 10,
      min: (extent: { min: number }) => Math.min(0, extent.min),
      splitNumber: 4,
      splitLine: { lineStyle: { color: theme.grid } },
      axisLabel: { ...axisText, formatter: (value: number) => formatNumber(value, locale, value % 1 === 0 ? 0 : 1) },
    }, { type: 'value', min: 0, max: 1, show: false }],
    series: [
      {
        type: 'bar',
        yAxisIndex: 1,
        data: slots.map((slot) => shade(slot, theme)),
        barWidth: '100%',
        silent: true,
        z: 0,
      },
      {
        type: 'line',
        step: 'middle',
        showSymbol: false,
        symbol: 'none',
        data: slots.map((slot) => slot.previousRate),
        lineStyle: { color: theme.before, width: 1.25 },
        itemStyle: { color: theme.before },
      },
      {
        type: 'line',
        step: 'middle',
        showAllSymbol: true,
        data: slots.map((slot, index) => marked(slot, index, slots, theme)),
        lineStyle: { color: theme.day, width: 2 },
        itemStyle: { color: theme.day },
        areaStyle: { color: theme.day, opacity: 0.07 },
        markLine: { silent: true, symbol: 'none', data: pointer(view) },
        z: 3,
      },
    ],
  }
}
