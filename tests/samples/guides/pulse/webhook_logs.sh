curl https://api.pulse.io/api/v1/webhooks/logs \
  -H "X-Pulse-Key: YOUR_KEY"
