// Package store keeps interactions in a data directory and answers queries about
// them. It is made so that the answer to a client hardly waits for it: a chat of
// 1 kB costs a few microseconds before its last byte may leave, and an agent's
// turn of 200 kB, whose history was seen before, some tens.
//
// # The way of an entry
//
//	Finish ─► frame ─► queue ─► journal ─► applier ─► SQLite
//	           │                                        ▲
//	           └─► blobs (what is large) ───────────────┘
//
// Finish writes the entry as one frame, compares the request with the last one of
// its conversation and puts only what is new into the frame. One goroutine
// appends all frames that wait to the journal in one write(2), without fsync:
// what the kernel has taken, a kill of this process cannot lose. A power cut or a
// crash of the machine may take what it had not yet written out, usually the last
// half minute, and leaves a sound database.
//
// Another goroutine, the applier, reads the journal and brings it into SQLite in
// large transactions, every 100 ms, or every second while there is much to do. It
// is the only writer of the database. The full-text index costs more than all of
// the rest, and those who record much seldom search: texts wait in the database,
// packed, until nothing has happened for 30 seconds, or someone searches, or much
// has gathered. A search looks through those that wait. How far it has come is written in the same
// transaction, so that each frame counts once. A segment of the journal is
// removed when all of it was applied and SQLite has synced. Sync waits for the
// applier.
//
// Frames wait in a queue that is bounded by its bytes, and on disk in a journal
// that is bounded too. When there is no room Finish waits within its context; it
// never drops an entry without an error and a count in [Health]. When the disk
// fails, Finish says so, the frames stay in the queue in their order, and the
// next ones and the passing of a second try again.
//
// # The data directory
//
// It has mode 0700, and its files 0600, whatever the umask.
//
//	lock          held by the one process that writes, with its number in it
//	archestra.db  SQLite, with its -wal and -shm while it is open
//	journal/      000000000001.log, …: segments of frames, see segment.go
//	blobs/        <SHA-256> or <SHA-256>.zst: large parts of bodies
//
// In the database (migrations/0001_first.sql has every column):
//
//	interaction   a narrow row for each: what filters and statistics ask for.
//	              All of 100,000 rows are read in some tens of milliseconds, so
//	              that few indexes are needed, each of which would cost every row
//	block         the rest of some dozens of interactions, compressed together:
//	              their JSON, headers, small bodies, and recipes of large ones
//	piece         parts of requests, by their SHA-256
//	              (both compressed with zstd, or S2 while many come)
//	unindexed     texts that wait for full-text search, at most 64 KiB each
//	search        full text (FTS5), without the text itself
//	profile       first and last use, which outlive the interactions
//	progress      how far the journal has been applied
//
// # Bodies
//
// A request below 4 KiB and a response are kept whole in the block, a longer
// request in pieces, so that an agent which sends its history again each turn has
// it stored once. Finish finds what is repeated by comparing bytes, hashing
// nothing; the applier cuts what is new where the content says (a gear hash), so
// that the prompts and tools which many conversations share are found too. A
// recipe is a row of ranges of pieces, and each recipe stands for itself: reading
// a body and deleting an interaction never look at another's.
//
// Long JSON strings, which are images, and anything else beyond 1 MiB become
// files. They are written in Finish, before the frame that names them.
//
// Retention deletes whole interactions, the oldest first. A piece remembers when
// it was used last (the column used), and is collected when every interaction
// since then is gone; there is no reference count to keep on the way in.
package store
