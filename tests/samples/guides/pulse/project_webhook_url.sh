curl -X PUT https://api.pulse.io/api/v1/projects/{PROJECT_ID} \
  -H "X-Pulse-Key: YOUR_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "webhook_url": "https://yourapp.com/webhooks/pulse"
  }'
