package store

import "time"

// Health tells how the store does, in counters since it was opened.
type Health struct {
	QueuedBytes  int64 // accepted and not yet written to the journal
	JournalBytes int64 // written to the journal and not yet in the database
	Recorded     int64 // entries written to the journal
	Late         int64 // entries that were kept, and whose Finish ended before that with an error
	Refused      int64 // entries that could not be accepted: lost
	LostStarts   int64 // interactions whose beginning was not noted, for want of room
	Failures     int64 // writes that failed, to the journal, the blobs and the database
	Skipped      int64 // records of the journal that could not be applied, or were torn
	LastError    string
	LastErrorAt  time.Time

	lastErr error
}

func (h *Health) fail(err error) {
	h.Failures++
	h.lastErr = err
	h.LastError, h.LastErrorAt = err.Error(), time.Now()
}

// Failing reports whether the store is losing something or about to: there were
// refused entries, or a failure in the last minute.
func (h Health) Failing() bool {
	return h.Refused > 0 || !h.LastErrorAt.IsZero() && time.Since(h.LastErrorAt) < time.Minute
}

// Health returns the counters.
func (s *Store) Health() Health {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	h := s.journal.health
	h.QueuedBytes, h.JournalBytes = s.journal.queued, s.journal.lag
	return h
}
