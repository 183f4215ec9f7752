-- What is known of each interaction, small enough that all of it can be
-- scanned. n counts in the order in which the store first saw them.
CREATE TABLE interaction (
  n             INTEGER PRIMARY KEY,
  id            TEXT NOT NULL UNIQUE,
  started_at    INTEGER NOT NULL, -- nanoseconds since 1970
  provider      TEXT NOT NULL,
  profile       TEXT NOT NULL,
  api           TEXT NOT NULL,
  method        TEXT NOT NULL,
  path          TEXT NOT NULL,
  status        INTEGER,          -- NULL in numbers: not known
  state         TEXT NOT NULL,
  stream        INTEGER NOT NULL,
  model         TEXT NOT NULL,    -- '' in texts: not known
  request_model TEXT NOT NULL,
  input_tokens  INTEGER,
  output_tokens INTEGER,
  cost          INTEGER,          -- pico-dollars
  ttft          INTEGER,          -- nanoseconds
  duration      INTEGER,          -- nanoseconds
  agent         TEXT NOT NULL,
  session       TEXT NOT NULL,
  tools         TEXT,             -- JSON arrays of strings; NULL where there are none
  verdicts      TEXT,
  findings      TEXT,
  errors        TEXT,
  block         INTEGER,          -- where the rest is; NULL until the interaction has ended
  slot          INTEGER
) STRICT;

CREATE INDEX interaction_started ON interaction (started_at);
CREATE INDEX interaction_open ON interaction (n) WHERE state IN ('streaming', 'held');

-- The rest of several interactions, compressed together. id is the greatest n
-- of them, and live counts those that are left.
CREATE TABLE block (
  id    INTEGER PRIMARY KEY,
  live  INTEGER NOT NULL,
  codec INTEGER NOT NULL,
  data  BLOB NOT NULL
) STRICT;

-- A part of a body, stored once however often it is sent. Those with a negative
-- id are files of their own, without data. used is the greatest n that there was
-- when an interaction last used the piece; where the piece is no file, it may be
-- up to 256 less than that.
CREATE TABLE piece (
  id    INTEGER PRIMARY KEY,
  hash  BLOB NOT NULL UNIQUE, -- SHA-256 of the part
  size  INTEGER NOT NULL,
  codec INTEGER NOT NULL,
  kept  INTEGER NOT NULL,     -- bytes on disk
  used  INTEGER NOT NULL,
  data  BLOB
) STRICT;

CREATE INDEX piece_used ON piece (used);

CREATE TABLE profile (
  name       TEXT PRIMARY KEY,
  first_used INTEGER NOT NULL, -- nanoseconds since 1970
  last_used  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How far the journal has been applied, and the next numbers to give out, which
-- are never given twice.
CREATE TABLE progress (
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  segment    INTEGER NOT NULL,
  offset     INTEGER NOT NULL,
  next_n     INTEGER NOT NULL,
  next_piece INTEGER NOT NULL
) STRICT;

INSERT INTO progress VALUES (1, 0, 0, 1, 1);

-- What free text finds, by n. The text is cut into words before it comes here,
-- so that the index finds what package filter does: the simplest tokenizer will
-- do. Merging less often costs the writer less, and a search hardly more.
CREATE VIRTUAL TABLE search USING fts5 (
  text,
  content = '',
  contentless_delete = 1,
  tokenize = 'ascii'
);

INSERT INTO search (search, rank) VALUES ('automerge', 8), ('crisismerge', 32);
