-- oldest: 1
-- Beside what lists and trimming go by, what is counted of each source is in the index: no row is read for that.
DROP INDEX deliveries_received;
CREATE INDEX deliveries_received ON deliveries (received_at, id) INCLUDE (source, verdict, copies);
