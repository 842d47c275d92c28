curl -X POST http://localhost:3000/webhooks/pulse \
  -H "Content-Type: application/json" \
  -H "X-Webhook-Signature: sha256=$(echo -n '{"event":"room.started"}' | openssl dgst -sha256 -hmac 'your-secret' | cut -d' ' -f2)" \
  -d '{
    "event": "room.started",
    "timestamp": "2025-01-19T10:30:00Z",
    "data": {
      "room_name": "test-room",
      "room_sid": "RM_test123"
    }
  }'
