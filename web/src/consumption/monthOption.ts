/** The ECharts option of a month's days. */

import type { EChartsCoreOption } from 'echarts/core'

import type { Consumption } from '../api/types'
import { formatDay, formatNumber, formatShare, formatValue, joined, unitName } from '../figures/format'
import { t } from '../i18n'
import { localDate, type LocalDate } from '../time/zone'
import type { Theme } from '../ui/theme'
import { hatch } from './chartMarks'
import { stateOf, WHOLE, type SlotState } from './curve'

export interface Day {
  date: LocalDate
  amount: number | null
  coverage: number
  state: SlotState
}

function byCoverage(coverage: number): SlotState {
  return coverage < WHOLE ? 'partial' : 'measured'
}

export function daysOf(month: Consumption, nowMs: number): Day[] {
  return month.items.map((item) => {
    const state = stateOf(item, nowMs)
    return {
      date: localDate(Date.parse(item.start), month.timezone),
      amount: state === 'future' ? null : item.amount,
      coverage: item.coverage,
      // Of a day only its coverage counts; which quarter-hours are estimated the day curve tells.
      state: state === 'estimated' || state === 'interpolated' ? byCoverage(item.coverage) : state,
    }
  })
}

export function monthOption(
  days: Day[], view: { unit: string; locale: string; theme: Theme; chosen: LocalDate },
): EChartsCoreOption {
  const { theme, locale, unit } = view
  const axisText = { color: theme.ink3, fontFamily: theme.font, fontSize: 11 }
  const largest = Math.max(0, ...days.map((day) => day.amount ?? 0))
  const scale = formatValue(largest, unit, locale).unit
  const divisor = scale === 'MWh' ? 1e3 : scale === 'GWh' ? 1e6 : 1

  function bar(day: Day): object {
    const color = day.state === 'open' ? theme.info : theme.day
    const strong = day.date === view.chosen
    return {
      value: day.amount === null ? null : day.amount / divisor,
      itemStyle: {
        color: day.state === 'partial' ? hatch(theme.warn) : color,
        opacity: strong || day.state === 'partial' ? 1 : 0.62,
        borderColor: day.state === 'partial' ? theme.warn : strong ? theme.ink : color,
        borderWidth: strong || day.state === 'partial' ? 1.5 : 0,
        borderRadius: [2, 2, 0, 0],
      },
    }
  }

  function tooltip(day: Day | undefined): string {
    if (!day || day.state === 'future') return ''
    const words = day.state === 'missing'
      ? t('state.missing')
      : `${joined(formatValue(day.amount, unit, locale))} · ${t('curve.coverage')} ${formatShare(day.coverage, locale)}`
    return `<strong>${formatDay(day.date, locale)}</strong><br>${words}`
      + (day.state === 'open' ? ` · ${t('state.open')}` : '')
  }

  return {
    animation: false,
    grid: { left: 6, right: 12, top: 24, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    tooltip: {
      trigger: 'axis', confine: true, backgroundColor: theme.surface, borderColor: theme.line, padding: [8, 10],
      textStyle: { color: theme.ink, fontFamily: theme.font, fontSize: 12 },
      axisPointer: { type: 'shadow', shadowStyle: { color: theme.ink3, opacity: 0.12 } },
      formatter: (points: { dataIndex: number }[]) => tooltip(days[points[0]?.dataIndex ?? -1]),
    },
    xAxis: {
      type: 'category', data: days.map((day) => String(Number(day.date.slice(8)))),
      axisLine: { lineStyle: { color: theme.line } }, axisTick: { show: false },
      axisLabel: { ...axisText, hideOverlap: true },
    },
    yAxis: [{
      type: 'value', name: unitName(scale), nameTextStyle: { ...axisText, align: 'left', padding: [0, 0, 0, -4] },
      nameGap: 8, splitNumber: 3, splitLine: { lineStyle: { color: theme.grid } },
      axisLabel: { ...axisText, formatter: (value: number) => formatNumber(value, locale, value % 1 === 0 ? 0 : 1) },
    }, { type: 'value', min: 0, max: 1, show: false }],
    series: [
      {
        type: 'bar', yAxisIndex: 1, barWidth: '100%', silent: true, z: 0,
        itemStyle: { color: hatch(theme.ink3), opacity: 0.4 },
        data: days.map((day) => day.state === 'missing' ? 1 : null),
      },
      { type: 'bar', data: days.map(bar), barWidth: '78%', barGap: '-100%', cursor: 'pointer' },
    ],
  }
}
