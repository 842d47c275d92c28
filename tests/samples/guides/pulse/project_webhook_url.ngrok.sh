curl -X PUT https://api.pulse.io/api/v1/projects/PROJECT_ID \
  -H "X-Pulse-Key: YOUR_KEY" \
  -d '{"webhook_url": "https://abc123.ngrok.io/webhooks/pulse"}'
