curl -X POST https://yourdomain.com/api/meeting-bot/webhook \
  -H "x-meeting-baas-api-key: YOUR_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{"type": "meeting.started", "data": {"botId": "test-123"}}'
