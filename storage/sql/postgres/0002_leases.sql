-- oldest: 1
-- Who does what only one process may do at a time, and until when (milliseconds, by the server's clock).

CREATE TABLE leases (
    name text COLLATE "C" PRIMARY KEY,
    holder text NOT NULL,
    until bigint NOT NULL
);
