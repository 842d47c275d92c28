/** Why somebody left, and why a room ended, in words. */

const WORDS = {
  client_initiated: "Left",
  participant_left: "Left",
  peer_left_100ms: "Left",
  participant_removed: "Removed by a host",
  duplicate_identity: "Joined from another device",
  server_shutdown: "Media server went down",
  room_deleted: "Room was deleted",
  room_closed: "Stayed to the end",
  room_finished: "Stayed to the end",
  room_ended: "Stayed to the end",
  meeting_ended_by_100ms: "Stayed to the end",
  state_mismatch: "Connection got out of step",
  join_failure: "Could not connect",
  participant_connection_aborted: "Connection lost",
  connection_aborted: "Connection lost",
  connection_timeout: "Connection lost",
  signal_close: "Connection lost",
  media_failure: "No audio or video got through",
  migration: "Moved to another server",
  user_unavailable: "Did not answer",
  user_rejected: "Declined the call",
  sip_trunk_failure: "Phone line failed",
  agent_error: "Agent failed",
  moved: "Belongs to another session",
  room_end_idle_timeout: "Nobody was there any more",
  room_end_api: "Ended by the application",
  idle_timeout: "Nobody was there any more",
};

/** In words; a reason that is not known yet is shown as it was told. */
export function leaveWords(reason) {
  if (!reason) return "";
  const known = WORDS[reason.toLowerCase()];
  if (known) return known;
  const plain = reason.replaceAll("_", " ").trim();
  return plain.charAt(0).toUpperCase() + (plain === plain.toUpperCase() ? plain.slice(1).toLowerCase() : plain.slice(1));
}
