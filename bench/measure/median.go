package measure

import (
	"cmp"
	"slices"
)

// middle returns the median of what pick takes of the samples; 0 if there is none.
func middle[T cmp.Ordered](samples []Sample, pick func(*Sample) T) (zero T) {
	var all []T
	for i := range samples {
		all = append(all, pick(&samples[i]))
	}
	if len(all) == 0 {
		return zero
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

// median takes the median of every number by itself, of the samples that worked.
// What must not happen even once is summed up instead. Latencies are of calm
// samples alone, and not known where there is none.
func median(samples []Sample) Sample {
	var good, calm []Sample
	var m Sample
	for _, s := range samples {
		m.Failed, m.Altered, m.Missing = m.Failed+s.Failed, m.Altered+s.Altered, m.Missing+max(s.Missing, 0)
		m.Answers, m.Rows = m.Answers+s.Answers, m.Rows+s.Rows
		if s.Error != "" && m.Error == "" {
			m.Error = s.Error
		}
		if s.Requests > 0 || s.Events > 0 {
			good = append(good, s)
			if s.Calm {
				calm = append(calm, s)
			}
		}
	}
	m.Requests = middle(good, func(s *Sample) int64 { return s.Requests })
	m.Events = middle(good, func(s *Sample) int64 { return s.Events })
	m.Rate = middle(good, func(s *Sample) float64 { return s.Rate })
	m.CPURequest = middle(good, func(s *Sample) float64 { return s.CPURequest })
	m.CPUEvent = middle(good, func(s *Sample) float64 { return s.CPUEvent })
	m.IdleRSS = middle(good, func(s *Sample) int64 { return s.IdleRSS })
	m.PeakRSS = middle(good, func(s *Sample) int64 { return s.PeakRSS })
	m.StreamRSS = middle(good, func(s *Sample) int64 { return s.StreamRSS })
	m.DiskRequest = middle(good, func(s *Sample) int64 { return s.DiskRequest })
	m.Foreign = middle(good, func(s *Sample) float64 { return s.Foreign })
	m.Stolen = middle(good, func(s *Sample) float64 { return s.Stolen })
	m.Jitter = middle(good, func(s *Sample) float64 { return s.Jitter })
	m.Calm = len(calm) > 0
	m.AddedP50 = middle(calm, func(s *Sample) float64 { return s.AddedP50 })
	m.AddedP99 = middle(calm, func(s *Sample) float64 { return s.AddedP99 })
	m.AddedTTFT = middle(calm, func(s *Sample) float64 { return s.AddedTTFT })
	m.Released = middle(good, func(s *Sample) float64 { return s.Released })
	return m
}
