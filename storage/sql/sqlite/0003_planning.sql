-- Rooms by how much is going on in them. What is there already gets its place with the next thing that happens in it.
ALTER TABLE documents ADD COLUMN trending REAL NOT NULL DEFAULT -1e9;

CREATE INDEX documents_trending ON documents (collection, trending DESC, topic) WHERE collection = 'rooms';
