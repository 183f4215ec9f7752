-- Texts that wait for the full-text index, which is made behind the load: a text
-- is either here or there. id counts in the order in which they came.
CREATE TABLE unindexed (
  id    INTEGER PRIMARY KEY,
  least INTEGER NOT NULL, -- the least n among them
  size  INTEGER NOT NULL, -- of data when it is expanded
  codec INTEGER NOT NULL,
  data  BLOB NOT NULL     -- for each text its n, its length and itself
) STRICT;
