   curl -X POST https://your-domain.com/schedule/webhook/100ms \
     -H "Content-Type: application/json" \
     -d '{
       "type": "session.close.success",
       "data": {
         "room_id": "your-room-id",
         "session_id": "test-session"
       }
     }'
